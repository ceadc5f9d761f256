/** A small plane for curves: where a number stands in pixels, axes with a few round numbers, paths. Never mirrored. */
import type { ComponentChildren, JSX } from "preact";
import { number } from "../i18n/t";

export type Range = readonly [number, number];
export type Spot = readonly [number, number];

export interface Plane {
  width: number;
  height: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  x(value: number): number;
  y(value: number): number;
  /** The value under a pixel. */
  at(pixel: number): number;
  xs: Range;
  ys: Range;
}

export function plane(width: number, height: number, xs: Range, ys: Range, left = 44): Plane {
  const [right, top, bottom] = [width - 12, 22, height - 30];
  const across = (right - left) / (xs[1] - xs[0] || 1);
  const up = (bottom - top) / (ys[1] - ys[0] || 1);
  return {
    width,
    height,
    left,
    top,
    right,
    bottom,
    xs,
    ys,
    x: (value) => left + (value - xs[0]) * across,
    y: (value) => bottom - (value - ys[0]) * up,
    at: (pixel) => xs[0] + (pixel - left) / across,
  };
}

/** About `wanted` round numbers between the ends. */
export function ticks([low, high]: Range, wanted = 5): number[] {
  const rough = (high - low) / wanted;
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(6)));
  return found;
}

export function pathOf(p: Plane, spots: readonly Spot[]): string {
  return spots.map(([x, y], i) => `${i ? "L" : "M"}${p.x(x).toFixed(1)} ${p.y(y).toFixed(1)}`).join("");
}

interface Props {
  plane: Plane;
  /** What a screen reader is told of the picture. */
  label: string;
  xName: string;
  yName: string;
  children: ComponentChildren;
}

let made = 0;

export function Chart({ plane: p, label, xName, yName, children }: Props): JSX.Element {
  const clip = `clip-${(made += 1)}`;
  const zero = Math.min(Math.max(p.y(0), p.top), p.bottom);
  return (
    <svg class="plane" dir="ltr" width={p.width} height={p.height} role="img" aria-label={label}>
      <clipPath id={clip}>
        <rect x={p.left} y={p.top - 8} width={p.right - p.left + 10} height={p.bottom - p.top + 16} />
      </clipPath>
      {ticks(p.ys, p.height > 200 ? 5 : 3).map((y) => (
        <g key={y} class="tick-y">
          <line x1={p.left} x2={p.right} y1={p.y(y)} y2={p.y(y)} />
          <text x={p.left - 6} y={p.y(y) + 4} text-anchor="end">
            {number(y)}
          </text>
        </g>
      ))}
      {ticks(p.xs, Math.max(3, Math.min(8, p.width / 80))).map((x) => (
        <text key={x} class="tick-x" x={p.x(x)} y={p.bottom + 16} text-anchor="middle">
          {number(x)}
        </text>
      ))}
      <line class="axis" x1={p.left} x2={p.right} y1={zero} y2={zero} />
      <text class="axis-name" x={p.right} y={p.bottom + 28} text-anchor="end">
        {xName}
      </text>
      <text class="axis-name" x={p.left - 38} y={p.top - 9} text-anchor="start">
        {yName}
      </text>
      <g clip-path={`url(#${clip})`}>{children}</g>
    </svg>
  );
}

/** A point to be seen, with its words above. */
export function Dot({
  plane: p,
  at: [x, y],
  kind = "now",
  children,
}: {
  plane: Plane;
  at: Spot;
  kind?: string;
  children?: string;
}) {
  return (
    <g class={`dot ${kind}`}>
      <circle cx={p.x(x)} cy={p.y(y)} r={6} />
      {children && (
        <text x={p.x(x)} y={p.y(y) - 12} text-anchor="middle">
          {children}
        </text>
      )}
    </g>
  );
}
