/** A question about one entry of the gradient of a box: asked anew as the values, the box or the entry change. */

import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { numberOf } from "../i18n/numberOf";
import { t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import { useAsked } from "./asked";
import type { Walk } from "./walk";

interface Props<T> {
  walk: Walk;
  node: number;
  question: "check" | "paths";
  /** What is said where there is no gradient to ask about. */
  without: string;
  shown(answer: T): JSX.Element;
}

export function AboutGradient<T>({ walk, node, question, without, shown }: Props<T>): JSX.Element {
  const asked = useAsked<T>();
  const found = walk.model.value.nodes[node]!;
  const entry = useEntry(found.shape);
  useSignalEffect(() => {
    const given = walk.given.value;
    const about = walk.model.value.nodes[node];
    if (given && about?.gradient && !walk.secrets.value.has(`g:${about.name}`)) {
      void asked.ask(question, { ...given, name: about.name, ...(entry.at.value ? { entry: entry.at.value } : {}) });
    }
  });
  if (!walk.given.value)
    return <p class="soft">{t("A trace from a file cannot be computed again: open what it was made from.")}</p>;
  if (!found.gradient) return <p class="soft">{without}</p>;
  if (walk.secrets.value.has(`g:${found.name}`)) return <p class="soft">{t("Hidden, to be guessed first.")}</p>;
  return (
    <>
      {entry.field}
      {asked.error.value ? <Failed error={asked.error.value} /> : null}
      {asked.answer.value ? (
        shown(asked.answer.value)
      ) : asked.busy.value ? (
        <p class="soft">{t("Computing …")}</p>
      ) : null}
    </>
  );
}

/** Which entry of an array is meant: the first, until another is typed. */
function useEntry(shape: number[]): { at: { readonly value: number[] | null }; field: JSX.Element | null } {
  const id = useId();
  const typed = useSignal<number[] | null>(null);
  if (!shape.length) return { at: { value: null }, field: null };
  const size = shape.reduce((a, b) => a * b, 1);
  const at = typed.value?.length === shape.length ? typed.value : shape.map(() => 0);
  const field =
    size <= 1 ? null : (
      <p class="row">
        <label for={id}>{t("Entry")}</label>
        <input
          id={id}
          dir="ltr"
          size={8}
          value={at.join(", ")}
          onChange={(event) => {
            const parts = event.currentTarget.value
              .split(/[\s,[\]]+/)
              .filter(Boolean)
              .map((part) => numberOf(part));
            const fits =
              parts.length === shape.length && parts.every((x, i) => Number.isInteger(x) && x >= 0 && x < shape[i]!);
            if (fits) typed.value = parts;
            event.currentTarget.value = (fits ? parts : at).join(", ");
          }}
        />
      </p>
    );
  return {
    at: {
      get value() {
        return typed.value?.length === shape.length ? typed.value : shape.map(() => 0);
      },
    },
    field,
  };
}
