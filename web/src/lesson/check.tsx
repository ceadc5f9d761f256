/** A quick check: choose an answer, and be told why it is right, or what is wrong with it and what to try. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { t } from "../i18n/t";
import { markAnswered, progress } from "../progress/store";
import { Html, Inline } from "./html";
import type { Block } from "./prose";

type Props = Extract<Block, { kind: "check" }>;

export function Check({ id, html, choices }: Props) {
  const title = useId();
  const before = progress.value.answers[`check ${id}`];
  const chosen = useSignal<number | null>(before ? before.given : null);
  const choose = (i: number) => {
    chosen.value = i;
    markAnswered(`check ${id}`, i, choices[i]?.right ?? false);
  };
  return (
    <section class="task check" aria-labelledby={title} data-check={id}>
      <h3 class="kicker">
        {t("Quick check")}
        {before?.right && <Done />}
      </h3>
      <Html class="question" id={title} html={html} />
      <ul class="answers">
        {order(id, choices.length).map((i) => {
          const { html: answer, right, why } = choices[i]!;
          const open = chosen.value === i;
          return (
            <li key={i} data-right={open ? right : undefined}>
              <button aria-pressed={open} aria-expanded={open} onClick={() => choose(i)}>
                <Inline html={answer} />
              </button>
              <div role="status">
                {open && (
                  <div class="why">
                    <strong class={right ? "good" : "bad"}>{right ? t("✓ Right") : t("✗ Not this one")}</strong>
                    <Html html={why} />
                  </div>
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export const Done = () => (
  <span class="done">
    <span aria-hidden="true">✓</span> {t("done")}
  </span>
);

/** The answers in an order that is always the same for this check, in every language, and not that of the file. */
export function order(id: string, length: number): number[] {
  let seed = 2_166_136_261;
  for (const letter of id) seed = Math.imul(seed ^ letter.charCodeAt(0), 16_777_619);
  const found = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const j = (seed >>> 0) % (i + 1);
    [found[i], found[j]] = [found[j]!, found[i]!];
  }
  return found;
}
