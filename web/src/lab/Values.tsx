/** The values that an expression is computed at: each number can be dragged. */

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { Nested } from "../engine/types";
import { t } from "../i18n/t";
import { DragNumber } from "./DragNumber";
import type { Lab } from "./state";

export function Values({ lab }: { lab: Lab }): JSX.Element | null {
  if (lab.kind.value !== "expression") return null;
  return (
    <fieldset class="values">
      <legend class="unseen">{t("Values: drag them, type them, or press the up and down arrows")}</legend>
      {Object.entries(lab.values.value).map(([name, value]) => (
        <Value key={name} name={name} value={value} onValue={(to) => lab.setValue(name, to)} />
      ))}
    </fieldset>
  );
}

const LARGEST = 16;

function Value({ name, value, onValue }: { name: string; value: Nested; onValue(value: Nested): void }): JSX.Element {
  const id = useId();
  const flat = Array.isArray(value) ? value.flat(Infinity as 1) : [];
  const grid = Array.isArray(value) && flat.length <= LARGEST && flat.every((x) => typeof x === "number");
  return (
    <div class="value" dir="ltr">
      {grid && depth(value) <= 2 ? (
        <span class="name" aria-hidden="true">
          {name} =
        </span>
      ) : (
        <label for={id}>{name} =</label>
      )}
      {typeof value === "number" ? (
        <DragNumber id={id} label={name} value={value} onValue={onValue} />
      ) : grid && depth(value) <= 2 ? (
        <Grid name={name} rows={value as number[] | number[][]} onValue={onValue} />
      ) : (
        <input
          id={id}
          dir="ltr"
          size={18}
          value={typeof value === "string" ? value : JSON.stringify(value)}
          onChange={(event) => onValue(parsed(event.currentTarget.value))}
        />
      )}
      {typeof value === "number" || !grid ? null : (
        <button
          class="quiet"
          aria-label={t("Type {name} as text", { name })}
          title={t("Type {name} as text", { name })}
          onClick={() => onValue(JSON.stringify(value))}
        >
          …
        </button>
      )}
    </div>
  );
}

/** A vector or a small matrix. */
function Grid(props: { name: string; rows: number[] | number[][]; onValue(value: Nested): void }): JSX.Element {
  const { name, rows, onValue } = props;
  const lines = (Array.isArray(rows[0]) ? rows : [rows]) as number[][];
  const put = (i: number, j: number, x: number) => {
    const made = lines.map((line, a) => line.map((old, b) => (a === i && b === j ? x : old)));
    onValue(Array.isArray(rows[0]) ? made : made[0]!);
  };
  return (
    <span class="matrix" dir="ltr" role="group" aria-label={name}>
      {lines.map((line, i) => (
        <span key={i} class="matrix-row">
          {line.map((x, j) => (
            <DragNumber
              key={j}
              label={Array.isArray(rows[0]) ? `${name}[${i}, ${j}]` : `${name}[${j}]`}
              value={x}
              onValue={(to) => put(i, j, to)}
            />
          ))}
        </span>
      ))}
    </span>
  );
}

const depth = (value: Nested): number => (Array.isArray(value) ? 1 + Math.max(0, ...value.map(depth)) : 0);

function parsed(text: string): Nested {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "number" || Array.isArray(found)) return found as Nested;
  } catch {
    // as -1/3, which the engine reads
  }
  return text;
}
