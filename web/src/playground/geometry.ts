/** Where the network's units are on the page, and which part lies beside which: pixels and keys, nothing more. */
import type { Part } from "./types";

export interface Shape {
  width: number;
  height: number;
  tile: number;
  /** Middle of each unit: [layer][unit] → [x, y]; layer 0 holds the features. */
  at: [number, number][][];
}

const HEAD = 8;
export const NARROWEST = 62;

/** Units in columns, from the features to the output; mirrored where one reads from right to left. */
export function shapeOf(sizes: readonly number[], room: number, mirrored: boolean): Shape {
  const most = Math.max(...sizes);
  const tile = most > 12 ? 24 : most > 8 ? 30 : most > 6 ? 36 : 44;
  const gap = most > 8 ? 6 : most > 6 ? 8 : 12;
  const columns = sizes.length;
  const width = Math.max(room, columns * NARROWEST);
  const stride = columns > 1 ? (width - NARROWEST) / (columns - 1) : 0;
  const height = most * (tile + gap) - gap + 2 * HEAD;
  const at = sizes.map((units, layer): [number, number][] => {
    const x = NARROWEST / 2 + layer * stride;
    const top = (height - (units * (tile + gap) - gap)) / 2 + tile / 2;
    return Array.from({ length: units }, (_, unit) => [mirrored ? width - x : x, top + unit * (tile + gap)]);
  });
  return { width, height, tile, at };
}

/** The curve of a weight, from one unit to another. */
export function curve(from: readonly [number, number], to: readonly [number, number], tile: number): string {
  const ahead = to[0] > from[0] ? 1 : -1;
  const [x1, x2] = [from[0] + (ahead * tile) / 2, to[0] - (ahead * tile) / 2];
  const middle = (x1 + x2) / 2;
  const round = (v: number) => Math.round(v * 10) / 10;
  return `M${round(x1)} ${round(from[1])}C${round(middle)} ${round(from[1])} ${round(middle)} ${round(to[1])} ${round(x2)} ${round(to[1])}`;
}

export type Move = "ahead" | "back" | "up" | "down";

/**
 * What lies beside a part, for the arrow keys: ahead from a unit is its first weight onwards, ahead from a weight the unit
 * it leads to; up and down are the others of the same kind. Undefined at the edge.
 */
export function beside(sizes: readonly number[], part: Part, move: Move): Part | undefined {
  const { layer, unit, from } = part;
  const last = sizes.length - 1;
  const size = (l: number) => sizes[l] ?? 0;
  const other = (n: number, most: number) => (n < 0 || n >= most ? undefined : n);
  if (typeof from !== "number") {
    if (move === "ahead")
      return layer < last
        ? { ...part, layer: layer + 1, unit: Math.min(unit, size(layer + 1) - 1), from: unit }
        : undefined;
    if (move === "back") return layer > 0 ? { ...part, from: Math.min(unit, size(layer - 1) - 1) } : undefined;
    const next = other(unit + (move === "down" ? 1 : -1), size(layer));
    return next === undefined ? undefined : { ...part, unit: next, from: null };
  }
  if (move === "ahead") return { ...part, from: null };
  if (move === "back") return { ...part, layer: layer - 1, unit: from, from: null };
  // All weights between two layers in a row: unit by unit.
  const place = unit * size(layer - 1) + from + (move === "down" ? 1 : -1);
  const next = other(place, size(layer) * size(layer - 1));
  if (next === undefined) return undefined;
  return { ...part, unit: Math.floor(next / size(layer - 1)), from: next % size(layer - 1) };
}

export const same = (a: Part | null, b: Part | null): boolean =>
  a === b || (!!a && !!b && a.side === b.side && a.layer === b.layer && a.unit === b.unit && a.from === b.from);
