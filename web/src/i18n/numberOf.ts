/**
 * The number that a reader typed, as their keyboard and their country write it: Arabic or full-width digits, 1,000 and
 * 1 000, 0,5 and 1.000,5, a real minus, 6.2·10⁻⁸. What could not be meant is no number: nothing is cut off.
 */

import { language } from "./t";

const ZEROS = ["٠", "۰"].map((zero) => zero.charCodeAt(0));
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The text with letters, signs and digits of half width, and the digits 0 to 9. */
export const digits = (text: string): string =>
  text
    .replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) - ZEROS[digit < "۰" ? 0 : 1]!));

const GROUPED = { ",": /^\d{1,3}(,\d{3})+$/, ".": /^\d{1,3}(\.\d{3})+$/, " ": /^\d{1,3}( \d{3})+$/ };

/** NaN where it is no number, or none that is clear; `locale` says whether 1,000 is a thousand or one. */
export function numberOf(text: string, locale: string = language.peek().locale): number {
  const plain = digits(text)
    .replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, "")
    .trim()
    .replace(/[−–ー]/g, "-")
    .replace(/[、]/g, ",")
    .replace(/[。]/g, ".")
    .replace(/(?<=\d)['’\s](?=\d)/g, " ")
    .replace(/\s*[·×*]\s*10\^?([⁺⁻+-]?[⁰¹²³⁴-⁹\d]+)$/, (_, power: string) => `e${lower(power)}`);
  const found = /^([+-]?)\s?(\d[\d,.٬٫ ]*|[.,٫]\d+)(e[+-]?\d+)?$/i.exec(plain);
  if (!found) return NaN;
  const [, sign = "", body = "", power = ""] = found;
  const [whole, rest] = parts(body, locale) ?? [];
  return whole === undefined ? NaN : Number(`${sign}${whole || 0}.${rest || 0}${power}`);
}

const lower = (power: string): string =>
  power.replace(/[⁺⁻⁰¹²³⁴-⁹]/g, (c) => (c === "⁺" ? "+" : c === "⁻" ? "-" : String(RAISED.indexOf(c))));

/** What stands before and after the decimal sign; undefined where it is not clear which sign that is. */
function parts(body: string, locale: string): [string, string] | undefined {
  const arabic = body.replaceAll("٬", " ").split("٫");
  if (arabic.length > 1 || body.includes("٬")) return arabic.length > 2 ? undefined : pair(arabic[0]!, arabic[1] ?? "");
  const last = Math.max(body.lastIndexOf(","), body.lastIndexOf("."));
  if (last < 0) return pair(body, "");
  const sign = body[last] as "," | ".";
  const decimal = Intl.NumberFormat(locale).formatToParts(0.5)[1]?.value === "," ? "," : ".";
  const once = body.indexOf(sign) === last;
  const alone = !body.includes(sign === "," ? "." : ",");
  // One sign only, where thousands may be meant: 1,000. After 0, or in groups of another size, they are not.
  if (alone && GROUPED[sign].test(body) && !body.startsWith("0") && (!once || sign !== decimal)) return pair(body, "");
  return once ? pair(body.slice(0, last), body.slice(last + 1)) : undefined;
}

/** The whole part without what groups its digits in threes, and the digits after the decimal sign. */
function pair(whole: string, rest: string): [string, string] | undefined {
  if (!/^\d*$/.test(rest)) return undefined;
  const sign = /[,. ]/.exec(whole)?.[0] as "," | "." | " " | undefined;
  if (sign && !GROUPED[sign].test(whole)) return undefined;
  return [whole.replace(/[,. ]/g, ""), rest];
}
