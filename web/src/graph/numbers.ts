/** Arrays of a trace as short texts. */

import { number } from "../i18n/t";
import type { ArrayData, Nested, Num } from "./content";

/** A number of a trace, with all its digits. */
export function whole(value: Num | null): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return value === null
    ? ""
    : String(value).replace("Infinity", "∞").replace("inf", "∞").replace("nan", "NaN").replace(/-/g, "−");
}

/** An array on one line: its numbers, or from where to where they go. */
export function short(data: ArrayData): string {
  if ("data" in data) {
    const text = nested(data.data);
    return text.length <= 60 ? text : `${text.slice(0, 58)} …`;
  }
  const { min, max } = data.summary;
  const show = (x: Num | null | undefined) => (typeof x === "number" ? number(x, 3) : whole(x ?? null));
  return `${data.shape.join(" × ")}: ${show(min)} … ${show(max)}`;
}

function nested(data: Nested): string {
  return Array.isArray(data) ? `[${data.map(nested).join(", ")}]` : whole(data);
}

export const shapeText = (shape: number[]): string => (shape.length === 1 ? `[${shape[0]}]` : shape.join(" × "));

/** "plus" or "minus" for a number that has a sign. */
export const tone = (value: unknown): string =>
  typeof value !== "number" || !value ? "" : value > 0 ? "plus" : "minus";
