/** Predict first: a number is hidden and asked for; a wrong one is matched to its mistake, in the learner's own numbers. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ask, EngineError, online } from "../engine/engine";
import { labLink, mistake, prediction } from "../figures/data";
import { numberOf } from "../i18n/numberOf";
import { number, t, type Message } from "../i18n/t";
import { markAnswered, progress } from "../progress/store";
import { notANumber } from "../ui/notANumber";
import { Failed } from "../ui/Problem";
import { told } from "../walk/phrase";
import { Done } from "./check";
import { Html } from "./html";

interface Verdict {
  right: boolean;
  mistake: string | null;
  message: Message | string;
}

interface Props {
  name: string;
  html: string;
  answer: string;
}

export function Predict({ name, html, answer }: Props) {
  const title = useId();
  const { expression, values } = prediction(name);
  const shown = useSignal(false);
  const id = `predict ${name}`;
  const solved = progress.value.answers[id]?.right ?? false;
  return (
    <section class="task predict" aria-labelledby={title} data-predict={name}>
      <h3 class="kicker">
        {t("Predict first")}
        {solved && <Done />}
      </h3>
      <Html class="question" id={title} html={html} />
      <Guess name={name} onRight={() => (shown.value = true)} />
      <p class="row unprinted">
        <button class="quiet" aria-expanded={shown.value} onClick={() => (shown.value = !shown.value)}>
          {shown.value ? t("Hide the way to the answer") : t("Show the way to the answer")}
        </button>
        <a href={labLink(expression, values)}>{t("Step through it in the lab")}</a>
      </p>
      <div class="model" data-open={shown.value}>
        <Html html={answer} />
      </div>
    </section>
  );
}

/** The choices alone, as the first figure uses them too. */
export function Guess({ name, onRight }: { name: string; onRight?(): void }) {
  const { choices } = prediction(name);
  const given = useSignal<number | null>(null);
  const typed = useSignal("");
  const verdict = useSignal<Verdict | null>(null);
  const failed = useSignal<EngineError | null>(null);
  const unread = useSignal("");
  const field = useId();
  const answer = async (value: number) => {
    given.value = value;
    unread.value = "";
    failed.value = null;
    verdict.value = null;
    const { ask: what, with: about } = mistake(name, value);
    try {
      const found = await ask<Verdict>(what, about);
      if (given.peek() !== value) return;
      verdict.value = found;
      markAnswered(`predict ${name}`, value, found.right);
      if (found.right) onRight?.();
    } catch (error) {
      if (given.peek() === value && error instanceof EngineError) failed.value = error;
    }
  };
  const send = (event: Event) => {
    event.preventDefault();
    const value = numberOf(typed.value);
    unread.value = Number.isFinite(value) ? "" : notANumber(typed.value);
    if (!unread.value && typed.value.trim()) void answer(value);
  };
  return (
    <div class="guess">
      <div class="row" role="group" aria-label={t("Which number is it?")}>
        {choices.map((value) => (
          <button
            key={value}
            class="number"
            aria-pressed={given.value === value}
            data-right={given.value === value ? verdict.value?.right : undefined}
            onClick={() => void answer(value)}
          >
            <bdi dir="ltr">{number(value)}</bdi>
          </button>
        ))}
        {online.value !== "recorded" && (
          <form class="own" onSubmit={send}>
            <label for={field} class="unseen">
              {t("Another number")}
            </label>
            <input
              id={field}
              dir="ltr"
              inputMode="text"
              autocomplete="off"
              size={6}
              placeholder={t("or type it")}
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
            <button type="submit">{t("answer|Check")}</button>
          </form>
        )}
      </div>
      <div role="status" class="verdict">
        {verdict.value && (
          <p>
            <strong class={verdict.value.right ? "good" : "bad"}>
              {verdict.value.right ? t("✓ Right") : t("✗ Not this one")}
            </strong>{" "}
            {told(verdict.value.message)}
          </p>
        )}
        {unread.value && <p>{unread.value}</p>}
        {failed.value && <Failed error={failed.value} />}
      </div>
    </div>
  );
}
