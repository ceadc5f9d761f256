/** Markdown to HTML, with formulas as MathML made here, so that the pages need no library and no fonts for them. */
import MarkdownIt from "markdown-it";
import temml from "temml";
import { highlight } from "./python.ts";

/** What a piece of Markdown holds that must be the same in every language. */
export interface Outline {
  /** Top-level blocks: paragraph, list of 3, table 4×2, heading, quote, code. */
  shapes: string[];
  /** Formulas and links, in any order: a translation may need another order of words. */
  kept: string[];
}

/** TeX to MathML that reads left to right wherever it stands, with no inline style. */
export function formula(tex: string, display: boolean): string {
  const made = temml.renderToString(tex, { displayMode: display, throwOnError: true });
  const plain = made.replace(/ style="[^"]*"/g, "").replace(/ class="[^"]*"/g, "");
  const math = plain.replace(/^<math/, `<math dir="ltr"`);
  return display ? `<div class="formula" dir="ltr" tabindex="0">${math}</div>` : `<bdi dir="ltr">${math}</bdi>`;
}

const md = new MarkdownIt({ html: false, linkify: false, typographer: false });

/**
 * Emphasis beside Chinese and Japanese letters, which have no spaces around them: `是**[词](#/x)**。` is bold too,
 * although CommonMark asks for a space before `**[`.
 */
const IDEOGRAPH = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303f\uff00-\uffef]/u;
const { scanDelims } = md.inline.State.prototype;
md.inline.State.prototype.scanDelims = function (start, canSplitWord) {
  const found = scanDelims.call(this, start, canSplitWord);
  const [before = " ", after = " "] = [this.src[start - 1], this.src[start + found.length]];
  if (this.src[start] === "*") {
    found.can_open ||= IDEOGRAPH.test(before) && !/\s/.test(after);
    found.can_close ||= IDEOGRAPH.test(after) && !/\s/.test(before);
  }
  return found;
};

/** `$…$` in a line: no space just inside, and no digit after, so that prices stay prices. */
md.inline.ruler.after("escape", "formula", (state, silent) => {
  const start = state.pos + 1;
  if (state.src[state.pos] !== "$" || /\s/.test(state.src[start] ?? " ")) return false;
  let end = state.src.indexOf("$", start);
  while (end > 0 && (state.src[end - 1] === "\\" || /\s/.test(state.src[end - 1] ?? "")))
    end = state.src.indexOf("$", end + 1);
  if (end <= start || /\d/.test(state.src[end + 1] ?? "")) return false;
  if (!silent) {
    const token = state.push("formula", "", 0);
    token.content = state.src.slice(start, end);
  }
  state.pos = end + 1;
  return true;
});

/** `$$ … $$` on lines of its own. */
md.block.ruler.before(
  "fence",
  "formula_block",
  (state, first, last, silent) => {
    const text = (line: number): string =>
      state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trim();
    const opening = text(first);
    if (!opening.startsWith("$$")) return false;
    if (silent) return true;
    const lines = [opening.slice(2)];
    let line = first;
    while (!(lines.at(-1) ?? "").endsWith("$$")) {
      line += 1;
      if (line >= last) return false;
      lines.push(text(line));
    }
    const token = state.push("formula_block", "", 0);
    token.content = lines.join("\n").slice(0, -2).trim();
    token.map = [first, line + 1];
    state.line = line + 1;
    return true;
  },
  { alt: ["paragraph"] },
);

md.renderer.rules["formula"] = (tokens, i): string => {
  const made = formula(tokens[i]?.content ?? "", false);
  // A line may end after a formula, but must not begin with the comma that belongs to it.
  const next = tokens[i + 1];
  const after = next?.type === "text" ? (/^[\p{Po}\p{Pe}\p{Pf}]+/u.exec(next.content)?.[0] ?? "") : "";
  if (!next || !after) return made;
  next.content = next.content.slice(after.length);
  return `<span class="whole">${made}${md.utils.escapeHtml(after)}</span>`;
};
md.renderer.rules["formula_block"] = (tokens, i): string => formula(tokens[i]?.content ?? "", true);
md.renderer.rules.code_inline = (tokens, i): string =>
  `<code dir="ltr">${md.utils.escapeHtml(tokens[i]?.content ?? "")}</code>`;
md.renderer.rules.fence = (tokens, i): string => {
  const { info, content } = tokens[i] ?? { info: "", content: "" };
  const body = info.trim() === "python" ? highlight(content) : md.utils.escapeHtml(content);
  return `<pre dir="ltr" tabindex="0"><code>${body}</code></pre>\n`;
};
md.renderer.rules.table_open = (): string => `<div class="wide" tabindex="0"><table>`;
md.renderer.rules.table_close = (): string => `</table></div>`;
// Columns are set by style.css; alignment from Markdown would be an inline style.
md.renderer.rules.th_open = (): string => `<th scope="col">`;
md.renderer.rules.td_open = (): string => `<td>`;
md.renderer.rules.link_open = (tokens, i, options, _env, self): string => {
  const token = tokens[i];
  const href = String(token?.attrGet("href") ?? "");
  const term = /^#\/glossary\/([\w-]+)$/.exec(href);
  if (term) {
    token?.attrSet("class", "term");
    token?.attrSet("data-term", term[1] ?? "");
  } else if (/^https?:/.test(href)) {
    token?.attrSet("rel", "noreferrer noopener");
    token?.attrSet("target", "_blank");
  }
  return self.renderToken(tokens, i, options);
};

/** A number with its sign, or a sum of such: −8, 2 × (−4) = −8, 16 → 13.69, 0.74 %. */
const NUMBER = String.raw`\(?[−+-]?\d(?:[\d.,]*\d)?(?:\s?%)?\)?`;
const SUM = new RegExp(`(?<![\\p{L}\\p{N}])${NUMBER}(?:\\s?[×÷=+−/→]\\s?${NUMBER})*(?![\\p{L}\\p{N}])`, "gu");

/** In a text from right to left, arithmetic still runs from left to right: without this, −8 would read 8−. */
md.renderer.rules.text = (tokens, i, _options, env): string => {
  const text = md.utils.escapeHtml(tokens[i]?.content ?? "");
  if (!(env as Direction | undefined)?.rtl) return text;
  return text.replace(SUM, (sum) => (/^[\d.,]+$/.test(sum) ? sum : `<bdi dir="ltr">${sum}</bdi>`));
};

export interface Direction {
  rtl: boolean;
}

export function block(text: string, direction: Direction = { rtl: false }): string {
  return md.render(text, { ...direction }).trim();
}

export function inline(text: string, direction: Direction = { rtl: false }): string {
  return md.renderInline(text, { ...direction });
}

/** What of `text` has to be there in every language. */
export function outline(text: string): Outline {
  const shapes: string[] = [];
  const kept: string[] = [];
  const count = new Map<string, number>();
  let depth = 0;
  for (const token of md.parse(text, {})) {
    if (depth === 0 && token.nesting >= 0) {
      shapes.push(token.type.replace(/_open$/, "").replace("_block", ""));
      count.clear();
    }
    depth += token.nesting;
    if (token.nesting === 1) count.set(token.type, (count.get(token.type) ?? 0) + 1);
    if (depth === 0 && token.nesting < 0) shapes[shapes.length - 1] = sized(shapes.at(-1) ?? "", count);
    if (token.type === "formula_block") kept.push(bare(token.content));
    for (const child of token.children ?? []) {
      if (child.type === "formula") kept.push(bare(child.content));
      if (child.type === "link_open") kept.push(`link ${child.attrGet("href")}`);
    }
  }
  return { shapes, kept: [...new Set(kept)].sort() };
}

function sized(shape: string, count: Map<string, number>): string {
  if (shape.endsWith("list")) return `${shape} of ${count.get("list_item_open") ?? 0}`;
  if (shape === "table") return `table of ${count.get("tr_open") ?? 0} rows, ${count.get("td_open") ?? 0} cells`;
  return shape;
}

/** A formula without its words, which are translated, and without spacing. */
function bare(tex: string): string {
  const symbols = tex.replace(/\\(text|mathrm|operatorname)\{[^{}]*\}/g, "\\text{}").replace(/\s+/g, "");
  return `formula ${symbols}`;
}
