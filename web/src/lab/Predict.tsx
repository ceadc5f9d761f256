/** Predict first: the number of the step is hidden and asked for; a wrong one is matched to its mistake. */

import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { announce } from "../app/announce";
import { isolate } from "../graph/direction";
import { numberOf } from "../i18n/numberOf";
import { notANumber } from "../ui/notANumber";
import { number, say, t, type Message } from "../i18n/t";
import { useAsked } from "../walk/asked";
import type { Walk } from "../walk/walk";
import { Failed } from "../ui/Problem";
import type { Lab } from "./state";
import { isKnown, know, targetOf, type Target } from "./target";

interface Verdict {
  right: boolean;
  mistake: string | null;
  message: Message | string;
}

export function Predict({ lab, walk }: { lab: Lab; walk: Walk }): JSX.Element {
  const target = useComputed(() => (lab.predict.value ? targetOf(walk) : null));
  const wanted = target.value;
  return (
    <div class="predict-first">
      <label class="tick">
        <input
          type="checkbox"
          checked={lab.predict.value}
          onChange={(event) => (lab.predict.value = event.currentTarget.checked)}
        />
        {t("Predict first (H)")}
      </label>
      {wanted && !isKnown(lab, walk, wanted) ? (
        <Question
          key={`${wanted.key} ${walk.pos.value}`}
          walk={walk}
          target={wanted}
          done={() => know(lab, walk, wanted)}
        />
      ) : lab.predict.value && !wanted ? (
        <span class="soft">{t("Step on: the next number will be hidden.")}</span>
      ) : null}
    </div>
  );
}

function Question({ walk, target, done }: { walk: Walk; target: Target; done(): void }): JSX.Element {
  const id = useId();
  const typed = useSignal("");
  const told = useSignal<{ right: boolean; text: string } | null>(null);
  const unclear = useSignal("");
  const asked = useAsked<Verdict>();
  const tell = (right: boolean, text: string) => {
    told.value = { right, text };
    if (right) {
      announce(text);
      done();
    }
  };
  async function answer(event: Event): Promise<void> {
    event.preventDefault();
    const given = numberOf(typed.value);
    unclear.value = Number.isFinite(given) ? "" : notANumber(typed.value);
    if (!Number.isFinite(given)) return;
    const from = walk.given.peek();
    const entry = target.entry ? { entry: target.entry } : {};
    if (target.what === "gradient" && from) {
      await asked.ask("mistakes", { ...from, name: target.name, ...entry, given });
      const found = asked.answer.peek();
      if (found) tell(found.right, typeof found.message === "string" ? found.message : say(found.message));
    } else if (Math.abs(given - target.answer) <= 0.005 * Math.abs(target.answer) + 1e-9) {
      tell(true, t("Right: {symbol} = {value}.", { symbol: target.symbol, value: number(target.answer, 6) }));
    } else
      tell(
        false,
        t("Not {given}. Look at what goes into it, and at what is done with it.", { given: number(given, 6) }),
      );
  }
  return (
    <form class="row question" onSubmit={(event) => void answer(event)}>
      <label for={id}>{t("What is {symbol}?", { symbol: isolate(target.symbol) })}</label>
      <input
        id={id}
        dir="ltr"
        size={8}
        inputMode="text"
        autoComplete="off"
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <button class="main" type="submit">
        {t("answer|Check")}
      </button>
      <button type="button" class="quiet" onClick={done}>
        {t("Show it")}
      </button>
      <span role="status">
        {unclear.value ? <span class="unclear">{unclear.value}</span> : null}
        {!unclear.value && told.value && !told.value.right ? (
          <>
            <strong class="bad">{t("✗ Not this one")}</strong> {told.value.text}
          </>
        ) : null}
        {asked.error.value ? <Failed error={asked.error.value} /> : null}
      </span>
    </form>
  );
}
