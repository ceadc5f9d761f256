/** What a learner sets in the playground, and what its session shows; src/upriver/web/sessions/playground*.py. */
import type { Message } from "../i18n/t";
import type { Content } from "../engine/types";

export type Point = [x: number, y: number, kind: 0 | 1];

export interface Config {
  data: string;
  count: number;
  noise: number;
  held: number;
  features: string[];
  layers: number[];
  activation: string;
  loss: string;
  optimiser: string;
  rate: number;
  penalty: string;
  strength: number;
  batch: number;
  start: string;
  spread: number;
  seed: number;
  drawn: Point[];
  table: Record<string, string>;
}

export const USUAL: Config = {
  data: "circle",
  count: 300,
  noise: 0.1,
  held: 0.3,
  features: ["x", "y"],
  layers: [4, 2],
  activation: "tanh",
  loss: "log",
  optimiser: "sgd",
  rate: 0.03,
  penalty: "none",
  strength: 0.001,
  batch: 10,
  start: "lecun",
  spread: 1,
  seed: 1,
  drawn: [],
  table: {},
};

/** What two configurations side by side have in common. */
export const SHARED = ["data", "count", "noise", "held", "batch", "seed", "drawn", "table"] as const;
/** What may change while a network trains. */
export const LIVE: readonly string[] = ["rate", "strength"];

export type Numeric = number | string;

/** What stays as it is until something else is trained. */
export interface Scene {
  sizes: number[];
  features: string[];
  loss: string;
  quantity: boolean;
  batch: number;
  about: Partial<About>;
  notes: Message[];
  span: number;
  points: Float32Array;
  held: Uint8Array;
  inputs: Uint8Array;
}

/** How the columns of the learner's own table were taken. */
export interface About {
  columns: string[];
  numbers: string[];
  x: string;
  y: string;
  target: string;
  yes: string;
  values: string[];
  ranges: [number, number][];
}

/** One moment of one network. */
export interface Now {
  step: number;
  epoch: number;
  train: number;
  test: number;
  right: [number, number] | null;
  objective: number;
  norms: number[];
  flow: string;
  verdict: Message;
  trouble: Message | null;
  engine: "eager" | "compiling" | "compiled";
  map: Uint8Array;
  units: Uint8Array;
  outputs: Float32Array;
  weights: Float32Array;
  gradients: Float32Array;
}

/** A unit (no `from`), a weight or a bias of one of the networks. */
export interface Part {
  side: number;
  layer: number;
  unit: number;
  from: number | "bias" | null;
}

/** The gradient of one part, opened. */
export interface Opened {
  kind: "weight" | "bias" | "unit";
  layer: number;
  name: string | Message;
  value: Numeric;
  gradient: Numeric;
  loss: Numeric;
  sentence: Message;
  samples: { point: number; at: [number, number]; target: number; output?: Numeric; value?: Numeric; part: Numeric }[];
  sample?: number;
  penalty: Numeric;
  paths: { part: Numeric; factors: { value: Numeric; name: Message }[] }[];
  rest: Numeric;
  count: number;
  check: { numeric: Numeric; h: Numeric; difference: Numeric } | null;
  memory: Record<string, Numeric>;
  rate: number;
  step: number;
  content: Content;
}

/** Where a parameter stands in the row of all of them: each layer's weights, unit by unit, then its biases. */
export function placeOf(sizes: readonly number[], layer: number, unit: number, from: number | "bias"): number {
  let at = 0;
  for (let l = 1; l < layer; l++) at += (sizes[l] ?? 0) * ((sizes[l - 1] ?? 0) + 1);
  const into = sizes[layer - 1] ?? 0;
  return from === "bias" ? at + (sizes[layer] ?? 0) * into + unit : at + unit * into + from;
}
