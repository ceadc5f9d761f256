/** An expression cut into tokens, for its colours and for the names that want values. The engine alone judges it. */

import { digits } from "../i18n/numberOf";

export interface Token {
  text: string;
  kind: "name" | "function" | "number" | "operator" | "space";
}

const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/** What was typed with letters and digits as the engine has them in names; signs such as × and ² it reads itself. */
export const plain = (text: string): string =>
  digits(text).replace(/[₀-₉]/g, (digit) => String(LOWERED.indexOf(digit)));

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻";
const PARTS =
  /\s+|π|(?:(?!π)\p{L}|_)(?:(?!π)[\p{L}\p{M}\p{Nd}_.])*|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\*\*|==|!=|<=|>=|[⁰¹²³⁴-⁹⁺⁻]+|./gu;

export function tokens(text: string): Token[] {
  const parts = text.match(PARTS) ?? [];
  return parts.map((part, i) => {
    if (/^\s/.test(part)) return { text: part, kind: "space" };
    if (/^[\d.]/.test(part) && /\d/.test(part)) return { text: part, kind: "number" };
    if (part === "π") return { text: part, kind: "number" };
    if (!/^[\p{L}_]/u.test(part)) return { text: part, kind: "operator" };
    // Also of sin²(x).
    const next = parts.slice(i + 1).find((one) => !/^\s/.test(one) && !RAISED.includes(one.charAt(0)));
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
