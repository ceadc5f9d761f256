/** Drawing points on the map, by pointer or by keys. */
import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { announce } from "../app/announce";
import { number, t } from "../i18n/t";
import type { Playground } from "./model";
import type { Point } from "./types";

export const MOST_DRAWN = 500;
const SPAN = 6;
const NEAR = 0.3;
const STRIDE = 0.5;

/** What a click sets: a point of class 1 or 0, or nothing (it takes points away). */
export const brush: Signal<1 | 0 | "erase"> = signal(1);

/** The points with this place changed: one more of the class, or without those that are near. */
export function stroke(points: readonly Point[], x: number, y: number, what: 1 | 0 | "erase"): Point[] {
  const apart = points.filter(([px, py]) => Math.hypot(px - x, py - y) > (what === "erase" ? NEAR : 0.12));
  if (what === "erase") return apart;
  const round = (v: number) => Math.round(Math.min(SPAN, Math.max(-SPAN, v)) * 100) / 100;
  return apart.length < MOST_DRAWN ? [...apart, [round(x), round(y), what]] : apart;
}

interface Drawing {
  handlers: {
    onPointerDown(event: PointerEvent): void;
    onPointerMove(event: PointerEvent): void;
    onKeyDown(event: KeyboardEvent): void;
    onFocus(): void;
  };
  cursor: JSX.Element;
}

/** What the map needs to be drawn on; undefined where the points come from elsewhere. */
export function useDrawing(ground: Playground, side: number): Drawing | undefined {
  const at = useMemo(() => signal<[number, number] | null>(null), []);
  const config = ground.sides.value[0];
  if (config?.data !== "drawn") return undefined;

  const set = (x: number, y: number, what: 1 | 0 | "erase") => {
    const drawn = stroke(ground.sides.peek()[0]?.drawn ?? [], x, y, what);
    ground.change(side, { drawn });
  };
  const where = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * 2 * SPAN - SPAN,
      SPAN - ((event.clientY - box.top) / box.height) * 2 * SPAN,
    ];
  };
  const key = (event: KeyboardEvent) => {
    const [x, y] = at.value ?? [0, 0];
    const to: Record<string, [number, number]> = {
      ArrowLeft: [x - STRIDE, y],
      ArrowRight: [x + STRIDE, y],
      ArrowUp: [x, y + STRIDE],
      ArrowDown: [x, y - STRIDE],
    };
    const next = to[event.key];
    if (next) at.value = [Math.min(SPAN, Math.max(-SPAN, next[0])), Math.min(SPAN, Math.max(-SPAN, next[1]))];
    else if (event.key === "Enter" || event.key === " ") set(x, y, brush.value);
    else if (event.key === "Delete" || event.key === "Backspace") set(x, y, "erase");
    else return;
    event.preventDefault();
    event.stopPropagation();
    const [nx, ny] = at.value ?? [0, 0];
    announce(
      t("{x}, {y}; {n, plural, one {# point} other {# points}}", {
        x: number(nx),
        y: number(ny),
        n: ground.sides.peek()[0]?.drawn.length ?? 0,
      }),
    );
  };
  let last: [number, number] | null = null;
  const place = at.value;
  return {
    handlers: {
      onPointerDown: (event) => {
        const [x, y] = (last = where(event));
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
        set(x, y, brush.value);
      },
      onPointerMove: (event) => {
        if (!event.buttons) return;
        const [x, y] = where(event);
        if (last && Math.hypot(x - last[0], y - last[1]) < 0.6) return;
        last = [x, y];
        set(x, y, brush.value);
      },
      onKeyDown: key,
      onFocus: () => (at.value ??= [0, 0]),
    },
    cursor: (
      <>
        {config.drawn.map(([x, y, kind], i) => (
          <i key={i} class={`pg-dot ${kind ? "circle" : "square"}`} style={spot(x, y)} />
        ))}
        {place && <i class="pg-cursor" style={spot(place[0], place[1])} />}
      </>
    ),
  };
}

const spot = (x: number, y: number) => ({
  left: `${((x + SPAN) / (2 * SPAN)) * 100}%`,
  top: `${((SPAN - y) / (2 * SPAN)) * 100}%`,
});
