/** The number that a reader typed, as their keyboard writes it: Arabic or full-width digits, a comma, a real minus. */

const ZEROS = ["٠", "۰"].map((zero) => zero.charCodeAt(0));

/** NaN where it is no number. */
export function numberOf(text: string): number {
  const plain = text
    .replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) - ZEROS[digit < "۰" ? 0 : 1]!))
    .replace(/[\u061c\u200e\u200f\u2066-\u2069\s]/g, "")
    .replace(/[−–ー]/g, "-")
    .replace(/[,٫、。]/, ".");
  return plain === "" ? NaN : Number(plain);
}
