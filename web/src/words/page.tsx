/** The next-word lab: a small character transformer learns in front of the reader, and says where its mistakes come from. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { note } from "../app/router";
import { online } from "../engine/engine";
import { encode } from "../engine/link";
import { language, t } from "../i18n/t";
import { useSession } from "../opened/session";
import { News } from "../ui/News";
import { Failed, Problem } from "../ui/Problem";
import { Blame } from "./Blame";
import { Controls } from "./Controls";
import { Curves } from "./Curves";
import { Passage } from "./Passage";
import { Predict } from "./Predict";
import { Samples } from "./Samples";
import { createLab, first, take, type Config } from "./state";
import "./words.css";

export default function Page() {
  const lab = useMemo(() => createLab(first(language.peek().code)), []);
  const run = useSignal(0);
  const given = useSignal<object>(lab.config.peek());
  const session = useSession("words", given, (frame) => take(lab, frame));
  /** Begin anew, with another configuration or the same. */
  const begin = (config: Config) => {
    lab.config.value = config;
    run.value += 1;
    given.value = { ...config };
    note(`#/words?s=${encode(config)}`);
  };
  if (online.value === "recorded") {
    return (
      <div class="words">
        <h1>{t("Next word: a network learns to write")}</h1>
        <Problem
          sentence={t("This lab trains a network while you watch, which needs the engine.")}
          fix={t("Run “upriver learn” on your own computer.")}
        />
      </div>
    );
  }
  return (
    <div class="words">
      <header>
        <h1>{t("Next word: a network learns to write")}</h1>
        <p class="lead">
          {t(
            "A small transformer reads a tale, one symbol at a time, and learns to say which symbol comes next. At first it knows nothing. Press “Learn”, watch it get better, then ask it where a mistake comes from.",
          )}
        </p>
      </header>
      <Controls lab={lab} session={session} begin={begin} />
      <News of={session.news.value} />
      {session.error.value && <Failed error={session.error.value} />}
      <div class="two">
        <Predict key={run.value} lab={lab} session={session} />
        <Curves lab={lab} />
      </div>
      <Passage lab={lab} session={session} />
      <Blame lab={lab} session={session} />
      <Samples lab={lab} />
    </div>
  );
}
