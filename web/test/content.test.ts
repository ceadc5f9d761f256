// @vitest-environment node
/** The prose compiler: what it makes of each block, what it refuses, and what it notices between languages. */
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compare } from "../build/compare.ts";
import { compileAll, PLACES, repository } from "../build/content.ts";
import { block, formula } from "../build/markdown.ts";
import { parse } from "../build/parse.ts";

const FRONT = "---\ntitle: A title: with a colon\nminutes: 3\n---\n";
const TEXT = `${FRONT}
Before the first heading.

## One {#one}
A [gradient](#/glossary/gradient) of $L = w^2$ and \`code\`.

:::check sums
Which?
- [ ] Wrong. | Because $a$ is not $b$.
- [x] Right. | Yes.
:::

:::think why
Why?
---
Therefore.
:::

## Two {#two}
$$y = f(g(x))$$

:::figure worked
Look.
:::
`;

const of = (text: string) => parse(text, "xx/lesson.md");
const without = (from: string, to = "") => of(TEXT.replace(from, to));

describe("a document", () => {
  it("becomes front matter, sections and blocks", () => {
    const { prose } = of(TEXT);
    expect([prose.title, prose.minutes]).toEqual(["A title: with a colon", 3]);
    expect(prose.sections.map(({ id, blocks }) => [id, blocks.map(({ kind }) => kind)])).toEqual([
      ["one", ["text", "check", "think"]],
      ["two", ["text", "figure"]],
    ]);
    const check = prose.sections[0]?.blocks[1];
    expect(check?.kind === "check" && check.choices.map(({ right }) => right)).toEqual([false, true]);
  });

  it("keeps code as it is, also what looks like a block in it", () => {
    const { prose } = of(`${FRONT}\n## One {#one}\n\`\`\`python\n## no heading\n:::figure\nx = 1  # one\n\`\`\`\n`);
    expect(prose.sections).toHaveLength(1);
    const [text] = prose.sections[0]!.blocks;
    expect(text?.kind === "text" && text.html).toContain('<span class="py-comment"># one</span>');
  });

  it.each([
    ["## One {#one}", "## One", "a section without an id"],
    [":::\n\n:::think", "\n:::think", "not closed"],
    ["- [x] Right. | Yes.", "- [x] Right.", "answer | explanation"],
    ["- [ ] Wrong.", "- [x] Wrong.", "exactly one answer is right"],
    [":::figure worked", ":::figures worked", "unknown kind"],
    ["$L = w^2$", "$\\frac{1}$", "a formula cannot be read"],
    ["## Two {#two}", "## Two {#one}", "is there twice"],
    ["---\nTherefore.", "Therefore.", "no --- between"],
    ["A [gradient]", "A **[gradient]", "markup that was not understood: A **gradient"],
  ])("refuses %j as %j", (from, to, message) => {
    expect(() => without(from, to)).toThrow(message);
    expect(() => without(from, to)).toThrow(/^xx\/lesson\.md:\d+: /);
  });
});

describe("Markdown", () => {
  it("makes formulas MathML that reads left to right, with no style in it", () => {
    const made = formula("\\hat{y} = \\frac{a}{b}", true);
    expect(made).toContain('<math dir="ltr" display="block">');
    expect(made).toContain("<mfrac>");
    expect(made).not.toMatch(/style=|class="tml/);
  });

  it("knows emphasis between letters that have no spaces between them", () => {
    expect(block("方法是**[反向传播](#/glossary/x)**。它")).toContain("<strong><a");
    expect(block("これを**「勾配」**と呼ぶ")).toContain("<strong>「勾配」</strong>と");
    expect(block("2 * 3 * 4")).toBe("<p>2 * 3 * 4</p>");
  });

  it("keeps the comma after a formula on its line", () => {
    expect(block("mit $x$, und $y$ so")).toMatch(/<span class="whole"><bdi.*<\/bdi>,<\/span> und <bdi/);
    expect(block("هو $x$، و")).toContain("</bdi>،</span> و");
  });

  it("keeps arithmetic from left to right in a text from right to left", () => {
    const made = block("القيمة −8 ثم 2 × (−4) = −8، والعدد 16. و3D", { rtl: true });
    expect(made).toContain('<bdi dir="ltr">−8</bdi> ثم <bdi dir="ltr">2 × (−4) = −8</bdi>،');
    expect(made).toContain("والعدد 16. و3D");
    expect(block("−8")).toBe("<p>−8</p>");
  });

  it("leaves prices alone and lets no HTML in", () => {
    expect(block("It costs 3$ or 4$.")).toBe("<p>It costs 3$ or 4$.</p>");
    expect(block("<script>alert(1)</script>")).toContain("&lt;script&gt;");
    expect(block("[x](javascript:alert(1))")).not.toContain("href");
  });

  it("marks terms, and links that leave the page", () => {
    expect(block("[a](#/glossary/chain-rule)")).toContain('data-term="chain-rule"');
    expect(block("[a](https://example.org)")).toContain('rel="noreferrer noopener"');
  });
});

describe("two languages", () => {
  const english = of(TEXT);
  const differ = (from: string, to: string) => compare(english, without(from, to), "en/lesson.md", "xx/lesson.md");

  it("agree when only the words differ", () => {
    expect(differ("Before the first heading.", "Avant le premier titre.")).toEqual([]);
    expect(compare(english, english, "en", "xx")).toEqual([]);
  });

  it.each([
    ["## Two {#two}", "## Two {#three}", "section #three, where section #two is due"],
    ["$L = w^2$", "$L = w^3$", "lacks formula L=w^2, has too much: formula L=w^3"],
    ["[gradient](#/glossary/gradient)", "gradient", "lacks link #/glossary/gradient"],
    ["A [grad", "More.\n\nA [grad", 'has "paragraph, paragraph", the English "paragraph"'],
    ["- [ ] Wrong. | Because $a$ is not $b$.\n- [x] Right. | Yes.", "- [x] R. | Y.\n- [ ] W. | $a$ $b$", "check sums"],
    [":::figure worked", ":::figure chain", ":::figure chain in section #two, where :::figure worked"],
    ["\n:::figure worked\nLook.\n:::\n", "", "ends before :::figure worked in section #two"],
  ])("differ: %j against %j", (from, to, message) => {
    const [found] = differ(from, to);
    expect(found).toContain(message);
    expect(found).toMatch(/^xx\/lesson\.md/);
  });

  it("differ when one says more", () => {
    const more = of(`${TEXT}\n## Three {#three}\nMore.\n`);
    expect(compare(english, more, "en/lesson.md", "xx/lesson.md")[0]).toContain("which en/lesson.md does not have");
  });
});

describe("all documents", () => {
  const folder = mkdtempSync(join(tmpdir(), "prose-"));
  for (const language of ["en", "qq"]) {
    mkdirSync(join(folder, language));
    writeFileSync(join(folder, language, "language.json"), "{}");
    writeFileSync(join(folder, language, "lesson.md"), TEXT);
  }
  const glossary = `${FRONT}\n## Gradient {#gradient}\nIt.\nsee: lesson#two\n`;
  writeFileSync(join(folder, "en", "glossary.md"), glossary.replace("#two", "#nowhere"));

  it("must be there in every language, with links that lead somewhere", () => {
    const { problems, languages } = compileAll(folder, PLACES.figures);
    expect(languages).toEqual(["en", "qq"]);
    expect(problems).toContain("qq/glossary.md: is not there");
    expect(problems).toContain("en/glossary.md: #gradient: see: lesson#nowhere, which is not there");
  });

  it("name only figures that there are", () => {
    writeFileSync(join(folder, "en", "lesson.md"), TEXT.replace(":::figure worked", ":::figure nothing"));
    const { problems } = compileAll(folder, PLACES.figures);
    expect(problems).toContain("en/lesson.md: #two: no figure is called nothing");
  });
});

describe("where the project's source is", () => {
  it("is what its metadata say, and nothing is made up where they do not", () => {
    const urls = '[project.urls]\nDocs = "https://a.example/docs"\nSource = "https://a.example/up/"\n\n[tool.x]\n';
    expect(repository(`[project]\nname = "x"\n${urls}`)).toBe("https://a.example/up");
    expect(repository('[project]\nname = "x"\n[tool.x]\nsource = "https://b.example"\n')).toBe("");
  });
});
