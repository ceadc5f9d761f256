/** Words of the engine, which may be a message to be said in the reader's language. */
import type { Text } from "../engine/types";
import { say } from "../i18n/t";

export const told = (text: Text): string => (typeof text === "string" ? text : say(text));
