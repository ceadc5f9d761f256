/** A gradient checked in front of the reader: the result is computed again a little to either side. */

import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { number, say, t, type Message } from "../i18n/t";
import { Failed } from "../ui/Problem";
import { useAsked } from "./asked";
import { readable } from "./phrase";
import type { Walk } from "./walk";

interface Answer {
  analytic: number | string;
  numeric: number | string;
  h: number;
  difference: number | string;
  agrees: boolean;
  message: Message | string;
}

export function Check({ walk, node }: { walk: Walk; node: number }): JSX.Element {
  const asked = useAsked<Answer>();
  const found = walk.model.value.nodes[node]!;
  const entry = useEntry(found.shape);
  useSignalEffect(() => {
    const given = walk.given.value;
    const about = walk.model.value.nodes[node];
    if (given && about?.gradient && !walk.secrets.value.has(`g:${about.name}`)) {
      void asked.ask("check", { ...given, name: about.name, ...(entry.at.value ? { entry: entry.at.value } : {}) });
    }
  });
  if (!walk.given.value)
    return <p class="soft">{t("A trace from a file cannot be computed again: open what it was made from.")}</p>;
  if (!found.gradient) return <p class="soft">{t("Its gradient is not computed, so there is nothing to check.")}</p>;
  if (walk.secrets.value.has(`g:${found.name}`)) return <p class="soft">{t("Hidden, to be guessed first.")}</p>;
  const answer = asked.answer.value;
  return (
    <>
      {entry.field}
      {asked.error.value ? <Failed error={asked.error.value} /> : null}
      {answer ? (
        <div data-testid="check">
          <table>
            <tbody>
              <Row name={t("by the chain rule")} value={answer.analytic} />
              <Row name={t("by a finite difference")} value={answer.numeric} />
              <Row name={t("difference")} value={answer.difference} />
              <Row name={t("step h")} value={answer.h} />
            </tbody>
          </table>
          <p role="status" class={answer.agrees ? "agrees" : "differs"}>
            <strong aria-hidden="true">{answer.agrees ? "✓" : "✗"}</strong>{" "}
            {readable(typeof answer.message === "string" ? answer.message : say(answer.message))}
          </p>
        </div>
      ) : asked.busy.value ? (
        <p class="soft">{t("Computing …")}</p>
      ) : null}
    </>
  );
}

function Row({ name, value }: { name: string; value: number | string }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="n">
        <bdi dir="ltr">{number(value, 9)}</bdi>
      </td>
    </tr>
  );
}

/** Which entry of an array is meant: the first, until another is typed. */
export function useEntry(shape: number[]): { at: { readonly value: number[] | null }; field: JSX.Element | null } {
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
              .map(Number);
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
