/** Predict first: the number of the step is hidden and asked for; a wrong one is matched to its mistake. */

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { announce } from "../app/announce";
import { isolate } from "../graph/direction";
import { number, say, t, type Message } from "../i18n/t";
import { useAsked } from "../walk/asked";
import type { Walk } from "../walk/walk";
import { Failed } from "../ui/Problem";
import type { Lab } from "./state";

interface Verdict {
  right: boolean;
  mistake: string | null;
  message: Message | string;
}

/** The number that arrives in the stop: what hides it, what it is called, and what the engine found. */
interface Target {
  key: string;
  name: string;
  symbol: string;
  what: "value" | "gradient";
  answer: number;
}

function targetOf(walk: Walk): Target | null {
  const { first, last, phase } = walk.frame.value;
  const { frames, nodes, trace } = walk.model.value;
  const frame = frames[last];
  if (first !== last || frame?.node === undefined || (phase !== "forward" && phase !== "backward")) return null;
  if (frame.share !== undefined && frame.share !== frame.shares) return null;
  const node = nodes[frame.node]!;
  const data = phase === "forward" ? node.value : node.gradient;
  const answer = data && "data" in data ? data.data : null;
  if (typeof answer !== "number") return null;
  const root = trace.result.symbol;
  const simple = /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(node.name) ? node.name : `(${node.name})`;
  return phase === "forward"
    ? { key: `v:${node.name}`, name: node.name, symbol: node.name, what: "value", answer }
    : { key: `g:${node.name}`, name: node.name, symbol: `d${root}/d${simple}`, what: "gradient", answer };
}

export function Predict({ lab, walk }: { lab: Lab; walk: Walk }): JSX.Element {
  const known = useSignal<ReadonlySet<string>>(new Set());
  const target = useComputed(() => (lab.predict.value ? targetOf(walk) : null));
  useSignalEffect(() => {
    const key = target.value?.key;
    walk.hidden.value = new Set(key && !known.value.has(key) ? [key] : []);
  });
  // Another computation has other numbers.
  useSignalEffect(() => {
    void walk.content.value.source;
    void walk.given.value;
    known.value = new Set();
  });
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
      {wanted && !known.value.has(wanted.key) ? (
        <Question
          key={`${wanted.key} ${walk.pos.value}`}
          walk={walk}
          target={wanted}
          done={() => (known.value = new Set([...known.peek(), wanted.key]))}
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
    const given = Number(typed.value.trim().replace("−", "-").replace(",", "."));
    if (!typed.value.trim() || !Number.isFinite(given)) return;
    const from = walk.given.peek();
    if (target.what === "gradient" && from && "expression" in from) {
      await asked.ask("mistakes", { ...from, name: target.name, given });
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
        {told.value && !told.value.right ? (
          <>
            <strong class="bad">{t("✗ Not this one")}</strong> {told.value.text}
          </>
        ) : null}
        {asked.error.value ? <Failed error={asked.error.value} /> : null}
      </span>
    </form>
  );
}
