/** The lab's state in its link: all of it compressed, `#/lab?s=…`, or written by hand, `#/lab?e=w*x&w=2&x=3`. */

import { decode, encode } from "../engine/link";
import type { Nested } from "../engine/types";
import type { Saved } from "./state";

/** What a link asks for; undefined if it asks for nothing. */
export function read(parameters: URLSearchParams): Saved | undefined {
  const packed = parameters.get("s");
  if (packed) return saved(packed);
  const values: Record<string, Nested> = {};
  for (const [name, text] of parameters) {
    if (name !== "e" && name !== "s" && name !== "at") values[name] = value(text);
  }
  const at = Number(parameters.get("at") ?? NaN);
  const place = Number.isInteger(at) ? { at } : {};
  const expression = parameters.get("e");
  return expression === null ? undefined : { e: expression, v: values, ...place };
}

/** Whether a link asks for something that cannot be read: it was cut or changed on its way. */
export function damaged(parameters: URLSearchParams): boolean {
  const packed = parameters.get("s");
  return packed !== null && saved(packed) === undefined;
}

function saved(packed: string): Saved | undefined {
  const found: unknown = decode(packed);
  if (typeof found !== "object" || found === null) return undefined;
  const { e, c } = found as Saved;
  return typeof e === "string" || typeof c === "string" ? (found as Saved) : undefined;
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
