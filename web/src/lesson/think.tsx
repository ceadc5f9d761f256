/** A question to think about: a place to write, kept in this browser, and a model answer to open. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { t } from "../i18n/t";
import { progress, write } from "../progress/store";
import { Html } from "./html";
import type { Block } from "./prose";

type Props = Extract<Block, { kind: "think" }>;

export function Think({ id, html, answer }: Props) {
  const question = useId();
  const body = useId();
  const open = useSignal(false);
  return (
    <section class="task think" aria-labelledby={question} data-think={id}>
      <h3 class="kicker">{t("Think about it")}</h3>
      <Html class="question" id={question} html={html} />
      <label class="field unprinted">
        <span>{t("Your answer (kept in this browser only)")}</span>
        <textarea
          rows={4}
          maxLength={20_000}
          value={progress.value.thoughts[id] ?? ""}
          onInput={(event) => write(id, event.currentTarget.value)}
        />
      </label>
      <button
        class="unprinted"
        aria-expanded={open.value}
        aria-controls={body}
        onClick={() => (open.value = !open.value)}
      >
        {open.value ? t("Hide the model answer") : t("Show a model answer")}
      </button>
      <div id={body} class="model" data-open={open.value}>
        <Html html={answer} />
      </div>
    </section>
  );
}
