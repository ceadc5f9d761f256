/** Texts of the engine: words in the language that they were asked in, or messages that can be said in any. */

import type { Text } from "../engine/types";
import { say } from "../i18n/t";

export const spell = (text: Text | undefined): string =>
  text === undefined ? "" : typeof text === "string" ? text : say(text);
