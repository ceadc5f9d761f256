/** What a stop of the walk says, in the reader's language where the engine told how. */

import type { Stop } from "../graph/model";
import { operation } from "../graph/operation";
import { say, t, type Argument, type Message } from "../i18n/t";

/** Numbers of a sentence with a real minus sign. */
export const readable = (text: string): string =>
  text.replace(/(^|[^\w)\]])-(?=[\d.]|inf)/g, "$1−").replace(/\binf\b/g, "∞");

/** A formula as people write it, and as the boxes show it: `(w * x)**2` as (w·x)². */
export const formula = (text: string): string =>
  text
    .replace(/\*\*(\d)(?![\d.])/g, (_, digit: string) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!)
    .replaceAll(" * ", "·")
    .replaceAll(" - ", " − ");

/** A sentence of the engine's, or of an answer: operations by their words, formulas as people write them. */
export const told = (message: Message | string): string =>
  readable(typeof message === "string" ? message : say(inWords(message)));

export const phrase = (stop: Pick<Stop, "said" | "sentence">): string => told(stop.said ?? stop.sentence);

function inWords({ text, args }: Message): Message {
  const spelled = Object.entries(args).map(([name, value]) => [
    name,
    name === "operation" && typeof value === "string" ? operation(value) : within(value),
  ]);
  return { text, args: Object.fromEntries(spelled) as Message["args"] };
}

function within(value: Argument): Argument {
  if (typeof value === "string") return formula(value);
  if (Array.isArray(value)) return value.map(within);
  return typeof value === "object" ? inWords(value) : value;
}

/** What goes on in a phase, in a word. */
export function phaseName(phase: Stop["phase"]): string {
  switch (phase) {
    case "start":
      return t("phase|Start");
    case "forward":
      return t("phase|Forward");
    case "end":
      return t("phase|Result");
    default:
      return t("phase|Backward");
  }
}
