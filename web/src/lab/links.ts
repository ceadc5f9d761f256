/** The lab's state in its link: all of it compressed, `#/lab?s=…`, or written by hand, `#/lab?e=w*x&w=2&x=3`. */

import { decode, encode } from "../engine/link";
import type { Nested } from "../engine/types";
import type { Saved } from "./state";

/** What a link asks for; undefined if it asks for nothing. */
export function read(parameters: URLSearchParams): Saved | undefined {
  const packed = parameters.get("s");
  if (packed) return decode<Saved>(packed);
  const values: Record<string, Nested> = {};
  for (const [name, text] of parameters) {
    if (name !== "e" && name !== "s" && name !== "at") values[name] = value(text);
  }
  const at = Number(parameters.get("at") ?? NaN);
  const place = Number.isInteger(at) ? { at } : {};
  const expression = parameters.get("e");
  return expression === null ? undefined : { e: expression, v: values, ...place };
}

/** A number, nested lists, or text that the engine may make something of, as -1/3. */
function value(text: string): Nested {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "number" || Array.isArray(found)) return found as Nested;
  } catch {
    // not JSON: the engine reads it
  }
  return text;
}

export const write = (saved: Saved): string => `#/lab?s=${encode(saved)}`;
