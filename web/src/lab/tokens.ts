/** An expression cut into tokens, for its colours and for the names that want values. The engine alone judges it. */

export interface Token {
  text: string;
  kind: "name" | "function" | "number" | "operator" | "space";
}

const WRITTEN: Record<string, string> = { "·": "*", "×": "*", "⋅": "*", "−": "-", "÷": "/", "²": "**2", "³": "**3" };

/** What a formula says, as in a book or as these pages write it, in the characters of the language. */
export const plain = (text: string): string =>
  text
    .replace(/[·×⋅−÷²³]/g, (mark) => WRITTEN[mark]!)
    .replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));

const PARTS = /\s+|[\p{L}_][\p{L}\p{N}_.]*|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\*\*|==|!=|<=|>=|./gu;

export function tokens(text: string): Token[] {
  const parts = text.match(PARTS) ?? [];
  return parts.map((part, i) => {
    if (/^\s/.test(part)) return { text: part, kind: "space" };
    if (/^[\d.]/.test(part) && /\d/.test(part)) return { text: part, kind: "number" };
    if (!/^[\p{L}_]/u.test(part)) return { text: part, kind: "operator" };
    const next = parts.slice(i + 1).find((one) => !/^\s/.test(one));
    return { text: part, kind: next === "(" || part.includes(".") ? "function" : "name" };
  });
}

/** The names that want a value: those that are neither functions nor given in the expression itself. */
export function names(text: string): string[] {
  const all = tokens(text).filter((token) => token.kind !== "space");
  const made = new Set<string>();
  const found = new Set<string>();
  all.forEach((token, i) => {
    if (token.kind !== "name" || ["True", "False", "None"].includes(token.text)) return;
    if (all[i + 1]?.text === "=") made.add(token.text);
    else if (!made.has(token.text) && all[i - 1]?.text !== ".") found.add(token.text);
  });
  return [...found];
}
