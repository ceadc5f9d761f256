/** Python in the prose, coloured when the pages are built. */

const TOKEN =
  /(#[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(\d[\d_.]*(?:e[+-]?\d+)?)\b|\b(import|from|as|def|return|for|in|if|else|elif|while|with|class|not|and|or|is|None|True|False|lambda|print)\b/g;

const CLASSES = ["comment", "text", "number", "word"];

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

export function highlight(code: string): string {
  let made = "";
  let from = 0;
  for (const found of code.matchAll(TOKEN)) {
    const kind = CLASSES.find((_, i) => found[i + 1] !== undefined) ?? "word";
    made += `${escape(code.slice(from, found.index))}<span class="py-${kind}">${escape(found[0])}</span>`;
    from = found.index + found[0].length;
  }
  return made + escape(code.slice(from));
}
