/** Numbers with a sign as bars to both sides of a middle: ▲ solid to the end side, ▼ striped to the start side. */
import type { ComponentChildren } from "preact";
import { number, t } from "../i18n/t";
import "./opened.css";

export const tone = (value: number): "plus" | "minus" | "" => (value > 0 ? "plus" : value < 0 ? "minus" : "");
const mark = (value: number): string => (value > 0 ? "▲" : value < 0 ? "▼" : "");

/** A number with the sign of its direction, which colour alone would not tell. */
export function Signed({ value, digits = 3 }: { value: number; digits?: number }) {
  return (
    <bdi dir="ltr" class={`signed ${tone(value)}`}>
      <span aria-hidden="true">{mark(value)} </span>
      {number(value, digits)}
    </bdi>
  );
}

/** One bar; `largest` is the length of half the space, or of all of it where there is no sign. */
function Bar({ value, largest, unsigned }: { value: number; largest: number; unsigned?: boolean | undefined }) {
  const share = largest ? Math.min(1, Math.abs(value) / largest) : 0;
  if (unsigned) {
    return (
      <span class="one-sided" aria-hidden="true">
        <span style={{ inlineSize: `${100 * share}%` }} />
      </span>
    );
  }
  return (
    <span class="two-sided" aria-hidden="true" dir="ltr">
      <span class={tone(value)} style={{ width: `${50 * share}%` }} />
    </span>
  );
}

export interface BarRow {
  key: string;
  label: ComponentChildren;
  value: number;
  /** A second number, told beside the first. */
  beside?: ComponentChildren;
  /** What a screen reader is told of the button. */
  spoken?: string;
  open?(): void;
  current?: boolean;
}

interface Props {
  caption: string;
  rows: readonly BarRow[];
  name: string;
  value: string;
  beside?: string;
  /** The values are lengths, which have no sign. */
  unsigned?: boolean;
}

/** A table of bars; the rows that can be opened have a button for a name. */
export function BarTable({ caption, rows, name, value, beside, unsigned }: Props) {
  const largest = Math.max(...rows.map((row) => Math.abs(row.value)), 0);
  return (
    <div class="wide" role="region" aria-label={caption} tabIndex={0}>
      <table class="bar-table">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            <th scope="col" class="n">
              {value}
            </th>
            <td aria-hidden="true" />
            {beside !== undefined && (
              <th scope="col" class="n">
                {beside}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} class={row.current ? "current" : undefined}>
              <th scope="row">
                {row.open ? (
                  <button class="quiet opens" onClick={row.open} title={t("Open its gradient")} aria-label={row.spoken}>
                    {row.label}
                  </button>
                ) : (
                  row.label
                )}
              </th>
              <td class="n">{unsigned ? <bdi dir="ltr">{number(row.value, 3)}</bdi> : <Signed value={row.value} />}</td>
              <td class="bar-cell">
                <Bar value={row.value} largest={largest} unsigned={unsigned} />
              </td>
              {beside !== undefined && <td class="n">{row.beside}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
