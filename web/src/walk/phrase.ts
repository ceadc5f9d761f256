/** What a stop of the walk says, in the reader's language where the engine told how. */

import type { Stop } from "../graph/model";
import { say, t } from "../i18n/t";

/** Numbers of a sentence with a real minus sign. */
export const readable = (text: string): string =>
  text.replace(/(^|[^\w)\]])-(?=[\d.]|inf)/g, "$1−").replace(/\binf\b/g, "∞");

export const phrase = (stop: Pick<Stop, "said" | "sentence">): string =>
  readable(stop.said ? say(stop.said) : stop.sentence);

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
