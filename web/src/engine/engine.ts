/** The engine, as the pages see it: `ask` for one answer, `open` for something that runs on. */
import { t } from "../i18n/t";
import { recorded } from "./recorded";
import { connect, EngineError, online, question } from "./socket";

export { EngineError, online, open, type Frame, type Listener, type SessionHandle } from "./socket";

/**
 * Find out whether there is an engine: `upriver site` leaves a marker beside the page, `upriver learn` serves none.
 */
export function find(): void {
  if (document.querySelector('meta[name="upriver-engine"][content="recorded"]')) online.value = "recorded";
  else connect();
}

/** Ask the engine. What it cannot answer is an EngineError with a sentence for the reader. */
export async function ask<T>(name: string, given: object): Promise<T> {
  if (online.value !== "recorded") return question<T>(name, given);
  const answer = await recorded<T>(name, given);
  if (answer === undefined) {
    throw new EngineError(
      "lost",
      t("This needs the engine, and this site has only what was recorded."),
      t("Run “upriver learn” on your own computer."),
    );
  }
  return answer;
}
