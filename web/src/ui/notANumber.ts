/** What is said to a text that numberOf() does not read as a number; "" where nothing was typed. */
import { t } from "../i18n/t";

export const notANumber = (text: string): string =>
  text.trim() === "" ? "" : t("{text} is not one clear number. Write it as in 1000, 0.5 or −2.", { text });
