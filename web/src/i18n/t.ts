/**
 * What pages say, in the reader's language. The English in the code is the key: `t("Step forward")`.
 * Reading the language is reading a signal, so what is rendered with `t` follows the switch.
 */
import { computed, signal } from "@preact/signals";
import { all, catalogues, type Language } from "virtual:languages";
import { keep, kept } from "../app/keep";
import { parse, type Piece } from "./icu";

/** A message of the engine: its English template and what stands in it, to be said in any language. */
export interface Message {
  text: string;
  args: Record<string, Argument>;
}
export type Argument = string | number | Message | Argument[];

export const languages: readonly Language[] = all;
const english = all[0] as Language;

/** The language of the pages: chosen before, or the browser's first that there is. */
export const language = signal<Language>(english);
const catalogue = signal<Record<string, string>>({});
const plurals = computed(() => new Intl.PluralRules(language.value.locale));
const numbers = computed(() => new Intl.NumberFormat(`${language.value.locale}-u-nu-latn`));

function preferred(): Language {
  const wanted = [kept<string>("language"), ...navigator.languages].filter((code) => code !== undefined);
  for (const code of wanted) {
    const found = all.find((one) => one.code === code.split("-")[0]?.toLowerCase());
    if (found) return found;
  }
  return english;
}

/** Speak this language from now on; the page shows it as soon as its catalogue is there. */
export async function speak(code: string): Promise<void> {
  const chosen = all.find((one) => one.code === code) ?? english;
  adopt(chosen, (await catalogues[chosen.code]?.())?.default ?? {});
}

/** Speak a language whose catalogue is at hand. */
export function adopt(chosen: Language, words: Record<string, string>): void {
  catalogue.value = words;
  language.value = chosen;
  document.documentElement.lang = chosen.locale;
  document.documentElement.dir = chosen.direction;
}

/** The reader chose a language. */
export function choose(code: string): Promise<void> {
  keep("language", code);
  return speak(code);
}

export const start = (): Promise<void> => speak(preferred().code);

/** Say a template, which must be a literal: the catalogues are checked against the literals in the code. */
export function t(text: string, args: Record<string, Argument> = {}): string {
  return fill(parse(catalogue.value[text] || text), args, undefined);
}

/** Say a message of the engine. */
export const say = (message: Message): string => t(message.text, message.args);

function fill(pieces: Piece[], args: Record<string, Argument>, count: number | undefined): string {
  return pieces.map((piece) => one(piece, args, count)).join("");
}

function one(piece: Piece, args: Record<string, Argument>, count: number | undefined): string {
  if (typeof piece === "string") return piece;
  if ("argument" in piece) return shown(piece.argument === "#" ? (count ?? 0) : args[piece.argument]);
  const value = args[piece.name];
  const other = piece.ways.other as Piece[];
  if (piece.choice === "select") return fill(piece.ways[String(value)] ?? other, args, count);
  const n = Number(value);
  return fill(piece.ways[`=${n}`] ?? piece.ways[plurals.value.select(n)] ?? other, args, n);
}

const RIGHT_TO_LEFT_LETTER = /[\u0590-\u08ff\ufb1d-\ufefc]/;

/** An argument as text; in a language from right to left, what runs from left to right is kept together. */
function shown(value: Argument | undefined): string {
  if (Array.isArray(value)) return value.map(shown).join(language.value.comma);
  if (typeof value === "object") return say(value);
  const text = typeof value === "number" ? numbers.value.format(value) : (value ?? "");
  return language.value.direction === "rtl" && !RIGHT_TO_LEFT_LETTER.test(text) ? `\u2066${text}\u2069` : text;
}

const SUPERSCRIPT: Record<string, string> = Object.fromEntries(
  [..."0123456789-"].map((c, i) => [c, "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"[i] ?? ""]),
);
const digitsOf = computed(() => {
  const locale = `${language.value.locale}-u-nu-latn`;
  return (digits: number) => new Intl.NumberFormat(locale, { maximumSignificantDigits: digits });
});

/** A number in the reader's way of writing, with at most so many digits that count; very large and small as 6.2·10⁻⁸. */
export function number(value: number | string, digits = 4): string {
  if (typeof value === "string" || !Number.isFinite(value)) {
    const word = String(value).replace("Infinity", "∞").replace("inf", "∞").replace("-", "−");
    return /nan/i.test(word) ? "NaN" : word;
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
    const power = [...exponent.replace("+", "")].map((c) => SUPERSCRIPT[c]).join("");
    return `${digitsOf.value(digits).format(Number(mantissa))}·10${power}`.replace("-", "−");
  }
  return digitsOf.value(digits).format(value).replace("-", "−");
}
