/** The state of a page in its link, compressed; and the parameters of the hash. */
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";

const LONGEST = 200_000;

/** A state as text that may stand in a link. */
export function encode(state: unknown): string {
  const bytes = deflateSync(strToU8(JSON.stringify(state)), { level: 9 });
  const text = btoa(strFromU8(bytes, true));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state that a link carries; undefined where it is damaged or was not made by `encode`. */
export function decode<T>(text: string): T | undefined {
  if (text.length > LONGEST) return undefined;
  try {
    const bytes = strToU8(atob(text.replaceAll("-", "+").replaceAll("_", "/")), true);
    return JSON.parse(strFromU8(inflateSync(bytes))) as T;
  } catch {
    return undefined;
  }
}
