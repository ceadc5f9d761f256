/** One Markdown file of prose to its data: front matter, sections, and the blocks that begin with `:::`. */
import { block, inline, outline, type Direction } from "./markdown.ts";
import { ProseError } from "./prose.ts";
import type { Block, Choice, Compiled, Part, Prose, Section } from "./prose.ts";

const KINDS = ["figure", "check", "think", "predict", "takeaways", "aside", "further", "notes", "run"];
/** Blocks that are nothing without a name. */
const NAMED = ["figure", "check", "think", "predict", "run"];

export function parse(source: string, file: string, direction: Direction = { rtl: false }): Compiled {
  return new Reader(source, file, direction).read();
}

class Reader {
  private readonly lines: string[];
  private readonly parts: Part[] = [];
  private readonly seen = new Set<string>();
  private where = "the beginning";
  private at = 0;

  constructor(
    source: string,
    private readonly file: string,
    private readonly direction: Direction,
  ) {
    this.lines = source.replace(/\r\n?/g, "\n").split("\n");
  }

  read(): Compiled {
    const front = this.front();
    const prose: Prose = { ...front, intro: [], sections: [] };
    let blocks = prose.intro;
    let text: string[] = [];
    let textAt = this.at;
    const flush = (): void => {
      const joined = text.join("\n");
      if (joined.trim()) {
        this.note(joined, textAt);
        blocks.push({ kind: "text", html: this.html(joined, textAt) });
      }
      text = [];
    };
    for (; this.at < this.lines.length; this.at++) {
      const line = this.lines[this.at] ?? "";
      if (/^```/.test(line)) {
        if (!text.length) textAt = this.at;
        text.push(...this.fence());
      } else if (/^##\s/.test(line)) {
        flush();
        const section = this.section(line);
        prose.sections.push(section);
        blocks = section.blocks;
      } else if (/^#\s/.test(line)) {
        this.fail(`a heading with one # (the title stands in the front matter): ${line}`);
      } else if (line.startsWith(":::")) {
        flush();
        blocks.push(this.special(line));
      } else if (/^see:\s/.test(line)) {
        flush();
        const section = prose.sections.at(-1) ?? this.fail("see: before the first heading");
        section.see.push(
          ...line
            .slice(4)
            .split(",")
            .map((part) => part.trim()),
        );
        this.part(`see ${line.slice(4).trim()}`);
      } else {
        if (!text.length) textAt = this.at;
        text.push(line);
      }
    }
    flush();
    return { prose, parts: this.parts };
  }

  private front(): { title: string; minutes: number; level: string } {
    const found = new Map<string, string>();
    if (this.lines[0]?.trim() !== "---") this.fail("the file begins with --- and title: …");
    for (this.at = 1; this.at < this.lines.length && this.lines[this.at]?.trim() !== "---"; this.at++) {
      const line = this.lines[this.at] ?? "";
      const colon = line.indexOf(":");
      if (colon > 0) found.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    }
    this.at += 1;
    const title = found.get("title") ?? this.fail("the front matter has no title");
    const minutes = Number(found.get("minutes") ?? "0");
    this.part(`front matter: ${[...found.keys()].sort().join(", ")}; minutes ${minutes}`);
    return { title, minutes, level: found.get("level") ?? "" };
  }

  private section(line: string): Section {
    const found = /^##\s+(.*?)\s*\{#([\w-]+)\}\s*$/.exec(line);
    if (!found) return this.fail(`a section without an id: write ${line} {#id}`);
    const id = found[2] ?? "";
    this.once(`section ${id}`);
    this.where = `section #${id}`;
    this.part("heading");
    return { id, title: inline(found[1] ?? "", this.direction), blocks: [], see: [] };
  }

  private special(line: string): Block {
    const opened = this.at;
    const [, kind = "", argument = ""] = /^:::\s*(\w+)\s*(.*?)\s*$/.exec(line) ?? [];
    if (!KINDS.includes(kind)) this.fail(`a block of unknown kind: ${line} (there are ${KINDS.join(", ")})`);
    if (NAMED.includes(kind) && !argument) this.fail(`:::${kind} needs a name`);
    const body: string[] = [];
    for (this.at += 1; this.lines[this.at]?.trim() !== ":::"; this.at++) {
      const inner = this.lines[this.at];
      if (inner === undefined || inner.startsWith(":::") || /^##?\s/.test(inner)) {
        this.at = opened;
        this.fail(`:::${kind} ${argument} is not closed by a line with :::`);
      }
      body.push(inner ?? "");
    }
    const outer = this.where;
    this.where = `:::${kind}${argument ? ` ${argument}` : ""} in ${outer}`;
    this.part(`:::${kind} ${argument}`.trim(), opened);
    if (kind === "check" || kind === "think") this.once(`${kind} ${argument}`, opened);
    const made = this.make(kind, argument, body, opened + 1);
    this.where = outer;
    return made;
  }

  private make(kind: string, name: string, body: string[], at: number): Block {
    const text = body.join("\n");
    if (kind === "check") return this.check(name, body, at);
    if (kind === "think" || kind === "predict") {
      const cut = body.findIndex((line) => line.trim() === "---");
      if (cut < 0 && kind === "think") this.fail("no --- between the question and the model answer", at);
      const [question, answer] = cut < 0 ? [body, []] : [body.slice(0, cut), body.slice(cut + 1)];
      this.note(question.join("\n"), at);
      this.note(answer.join("\n"), at);
      const made = { html: this.html(question.join("\n"), at), answer: this.html(answer.join("\n"), at) };
      return kind === "think" ? { kind, id: name, ...made } : { kind: "predict", name, ...made };
    }
    this.note(text, at);
    const html = this.html(text, at);
    if (kind === "notes") return { kind, minutes: Number(name) || 0, html };
    if (kind === "aside") return { kind, id: name, html };
    if (kind === "figure" || kind === "run") return { kind, name, html };
    return { kind: kind as "takeaways" | "further", html };
  }

  private check(id: string, body: string[], at: number): Block {
    const choices: Choice[] = [];
    const question: string[] = [];
    for (const [i, line] of body.entries()) {
      const found = /^- \[([ x])\]\s+(.*)$/.exec(line);
      if (!found) {
        if (line.trim() && choices.length) this.fail("an answer goes on one line: - [ ] answer | explanation", at + i);
        question.push(line);
        continue;
      }
      const [answer = "", why, ...more] = (found[2] ?? "").split(/\s+\|\s+/);
      if (!why || more.length) this.fail("an answer is written - [ ] answer | explanation", at + i);
      this.note(answer, at + i);
      this.note(why ?? "", at + i);
      choices.push({
        html: inline(answer, this.direction),
        right: found[1] === "x",
        why: this.html(why ?? "", at + i),
      });
    }
    const right = choices.findIndex((choice) => choice.right);
    if (choices.filter((choice) => choice.right).length !== 1) this.fail("exactly one answer is right, marked [x]", at);
    if (choices.length < 2) this.fail("a check has two answers or more", at);
    this.part(`${choices.length} answers, number ${right + 1} right`, at);
    this.note(question.join("\n"), at);
    return { kind: "check", id, html: this.html(question.join("\n"), at), choices };
  }

  /** A fence as it is: what looks like a heading or a block inside it is code. */
  private fence(): string[] {
    const taken = [this.lines[this.at] ?? ""];
    const opened = this.at;
    do {
      this.at += 1;
      if (this.at >= this.lines.length) return this.fail("``` is not closed", opened);
      taken.push(this.lines[this.at] ?? "");
    } while (!/^```\s*$/.test(this.lines[this.at] ?? ""));
    return taken;
  }

  private html(text: string, at: number): string {
    let made = "";
    try {
      made = block(text, this.direction);
    } catch (error) {
      this.fail(`a formula cannot be read: ${error instanceof Error ? error.message : String(error)}`, at);
    }
    const left = /.{0,12}(\*\*|\]\(|\$).{0,12}/.exec(made.replace(/<code.*?<\/code>|<[^>]*>/gs, ""));
    return left ? this.fail(`markup that was not understood: ${left[0]}`, at) : made;
  }

  private note(text: string, at: number): void {
    const { shapes, kept } = outline(text);
    this.part(shapes.join(", ") || "nothing", at);
    this.part(kept.join("; ") || "no formula, no link", at);
  }

  private part(what: string, at = this.at): void {
    this.parts.push({ where: this.where, what, line: at + 1 });
  }

  private once(name: string, at = this.at): void {
    if (this.seen.has(name)) this.fail(`${name} is there twice`, at);
    this.seen.add(name);
  }

  private fail(message: string, at = this.at): never {
    throw new ProseError(this.file, at + 1, `${this.where}: ${message}`);
  }
}
