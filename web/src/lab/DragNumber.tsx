/** A number to be dragged, typed, or moved with the arrow keys. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { mirrored } from "../graph/direction";
import { numberOf } from "../i18n/numberOf";
import { notANumber } from "../ui/notANumber";

interface Props {
  value: number;
  label: string;
  id?: string;
  onValue(value: number): void;
}

/** How far one notch moves a number: a tenth of its size, or 0.1. */
export const notch = (value: number): number => 10 ** Math.floor(Math.log10(Math.max(Math.abs(value), 1)) - 1 + 1e-9);

/** `value` on the grid of a notch, without the digits that binary fractions leave. */
export const onGrid = (value: number, step: number): number =>
  Number((Math.round(value / step) * step).toPrecision(12));

const PIXELS = 8;

export function DragNumber({ value, label, id, onValue }: Props): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const typing = useSignal<string | null>(null);
  const unclear = useSignal("");
  const note = useId();
  const drag = useRef<{ x: number; value: number; step: number; moved: boolean } | null>(null);
  // (Not after the next frame: what is typed by then is kept.)
  useLayoutEffect(() => {
    typing.value = null;
    unclear.value = "";
  }, [value]);

  function move(by: number): void {
    const step = notch(value) * by;
    onValue(onGrid(value + step, Math.abs(step) < notch(value) ? Math.abs(step) : notch(value)));
  }
  function type(text: string): void {
    const found = numberOf(text);
    // What is no number stays to be mended, and the value with it.
    unclear.value = Number.isFinite(found) ? "" : notANumber(text);
    typing.value = unclear.value ? text : null;
    if (Number.isFinite(found) && found !== value) onValue(found);
  }
  const box = (
    <input
      ref={field}
      id={id}
      class="drag-number"
      dir="ltr"
      inputMode="decimal"
      role="spinbutton"
      autoComplete="off"
      aria-label={id ? undefined : label}
      aria-valuenow={value}
      aria-invalid={unclear.value ? true : undefined}
      aria-describedby={unclear.value ? note : undefined}
      aria-valuetext={String(value)}
      size={Math.max(4, String(value).length + 1)}
      value={typing.value ?? String(value).replace("-", "−")}
      onInput={(event) => (typing.value = event.currentTarget.value)}
      onBlur={(event) => typing.value !== null && type(event.currentTarget.value)}
      onKeyDown={(event) => {
        const keys: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
        const by = keys[event.key];
        if (by !== undefined) {
          move(event.shiftKey ? by * 10 : event.altKey ? by / 10 : by);
          event.preventDefault();
        } else if (event.key === "Enter") type(event.currentTarget.value);
        else if (event.key === "Escape") {
          typing.value = null;
          unclear.value = "";
        }
      }}
      onPointerDown={(event) => {
        if (event.button !== 0 || document.activeElement === field.current) return;
        drag.current = { x: event.clientX, value, step: notch(value), moved: false };
        field.current?.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        const from = drag.current;
        if (!from) return;
        const notches = Math.round(((event.clientX - from.x) / PIXELS) * (mirrored.value ? -1 : 1));
        if (!from.moved && Math.abs(event.clientX - from.x) < 4) return;
        from.moved = true;
        const step = event.altKey ? from.step / 10 : from.step;
        const to = onGrid(from.value + notches * step, step);
        if (to !== value) onValue(to);
      }}
      onPointerUp={() => {
        const from = drag.current;
        drag.current = null;
        field.current?.focus();
        if (from && !from.moved) field.current?.select();
      }}
      onPointerCancel={() => (drag.current = null)}
    />
  );
  return (
    <>
      {box}
      {unclear.value ? (
        <span id={note} class="unclear" role="status">
          {unclear.value}
        </span>
      ) : null}
    </>
  );
}
