/** A trace made ready to be asked what has been computed by a place in its walk. No numbers are made here. */

import type { Text } from "../engine/types";
import type { Message } from "../i18n/t";
import type { ArrayData, Content, Edge, Frame, ModuleFrame, Node, Num, Phase, Sign, Trace } from "./content";

/** What is said of a stop. */
export type Words = Pick<Frame, "sentence" | "said">;

/** One stop of the walk: frames `first` to `last`. */
export interface Stop {
  phase: Phase;
  first: number;
  last: number;
  sentence: string;
  said: Message | undefined;
}

/** A share of a gradient that arrives in a frame. */
export interface Arrival {
  frame: number;
  share: number;
  shares: number;
}

export interface Model {
  content: Content;
  trace: Trace;
  nodes: Node[];
  edges: Edge[];
  frames: Frame[];
  /** For each node the edges to what reads it, and the edges from what it reads. */
  users: number[][];
  inputs: number[][];
  /** The frame in which each node's value is there; −1 for what is given. */
  computedAt: number[];
  arrivals: Arrival[][];
  /** The frame in which the gradient goes back along each edge; Infinity if none does. */
  edgeAt: number[];
  /** For each node the frames that are about it. */
  frameOf: number[][];
  byOperation: Stop[];
  byModule: Stop[];
}

const models = new WeakMap<Content, Model>();

/** The model of what the engine gave; made once for each. */
export function modelOf(content: Content): Model {
  let model = models.get(content);
  if (!model) models.set(content, (model = build(content)));
  return model;
}

function build(content: Content): Model {
  const trace = whole(content.trace);
  const { nodes, edges, frames } = trace;
  const users: number[][] = nodes.map(() => []);
  const inputs: number[][] = nodes.map(() => []);
  edges.forEach((edge, i) => {
    users[edge.from]!.push(i);
    inputs[edge.to]!.push(i);
  });
  const computedAt = nodes.map((node) => (node.kind === "operation" ? Infinity : -1));
  const arrivals: Arrival[][] = nodes.map(() => []);
  const edgeAt = edges.map(() => Infinity);
  const frameOf: number[][] = nodes.map(() => []);
  frames.forEach((frame, i) => {
    if (frame.node === undefined) return;
    frameOf[frame.node]!.push(i);
    if (frame.phase === "forward") computedAt[frame.node] = i;
    else if (frame.phase === "seed") arrivals[frame.node]!.push({ frame: i, share: 1, shares: 1 });
    else arrivals[frame.node]!.push({ frame: i, share: frame.share ?? 1, shares: frame.shares ?? 1 });
    if (frame.edge !== undefined) edgeAt[frame.edge] = i;
  });
  const byOperation = frames.map((frame, i) => stop(frame, i, i));
  const byModule = (trace.module_frames ?? []).map((frame) => stop(frame, frame.first, frame.last));
  return {
    content, trace, nodes, edges, frames, users, inputs, computedAt, arrivals, edgeAt, frameOf, byOperation,
    byModule: byModule.length ? byModule : byOperation,
  }; // prettier-ignore
}

function stop(frame: Frame | ModuleFrame, first: number, last: number): Stop {
  return { phase: frame.phase, first, last, sentence: frame.sentence ?? "", said: frame.said };
}

/** The trace with what it does not say twice said again; the one that was given is left as it is. */
function whole(trace: Trace): Trace {
  const edges = trace.edges.map((edge) => {
    if (edge.step === undefined || !edge.derivative) return edge;
    const derivative = { ...edge.derivative, unsimplified: edge.derivative.unsimplified ?? edge.derivative.text };
    const product = edge.product ?? trace.nodes[edge.from]!.gradient ?? undefined;
    return product === undefined ? { ...edge, derivative } : { ...edge, derivative, product };
  });
  const frames = trace.frames.map((frame) => spoken(frame, trace.result));
  const strides = trace.module_frames?.map((stride) => spoken(stride, frames[stride.first] ?? {}));
  return strides ? { ...trace, edges, frames, module_frames: strides } : { ...trace, edges, frames };
}

/** What a stop says: its own, or where it has no words of its own those of another. */
function spoken<T extends Words>(stop: T, other: Words): T & { sentence: string } {
  const said = stop.said ?? (stop.sentence === undefined ? other.said : undefined);
  return { ...stop, sentence: stop.sentence ?? other.sentence ?? "", ...(said ? { said } : {}) };
}

/** The last share of a node's gradient that is there after frame `at`; undefined if none is. */
export function arrived(model: Model, node: number, at: number): Arrival | undefined {
  const all = model.arrivals[node] ?? [];
  let found: Arrival | undefined;
  for (const one of all) if (one.frame <= at) found = one;
  return found;
}

/** Whether a node's value is there after frame `at`. */
export const computed = (model: Model, node: number, at: number): boolean => model.computedAt[node]! <= at;

/** What is written of a node's gradient after frame `at`: its text and sign, and whether it is whole. */
export function gradientLabel(
  model: Model,
  node: number,
  at: number,
): { text: Text; sign: Sign; whole: boolean } | undefined {
  const share = arrived(model, node, at);
  if (!share) return undefined;
  const label = model.content.labels[node];
  const sum = share.share < share.shares ? model.content.sums[share.frame] : undefined;
  if (sum) return { text: sum[0], sign: sum[1] as Sign, whole: false };
  return label?.g === undefined ? undefined : { text: label.g, sign: (label.d ?? 0) as Sign, whole: true };
}

/** The nodes and edges that the frames `first` to `last` are about. */
export function lit(
  model: Model,
  first: number,
  last: number,
): { nodes: Set<number>; edges: Set<number>; back: boolean } {
  const nodes = new Set<number>();
  const edges = new Set<number>();
  let back = false;
  for (let i = first; i <= last; i++) {
    const frame = model.frames[i];
    if (!frame) continue;
    if (frame.node !== undefined) nodes.add(frame.node);
    if (frame.edge !== undefined) {
      edges.add(frame.edge);
      back = true;
    } else if (frame.phase === "forward" && frame.node !== undefined) {
      for (const edge of model.inputs[frame.node]!) edges.add(edge);
    }
  }
  return { nodes, edges, back };
}

/** The sign of an array that is one number; 0 for others. */
export function signOf(data: ArrayData | null | undefined): Sign {
  const x = data && "data" in data ? single(data.data) : null;
  return typeof x !== "number" || !x ? 0 : x > 0 ? 1 : -1;
}

function single(data: unknown): Num | null {
  while (Array.isArray(data)) {
    if (data.length !== 1) return null;
    data = data[0];
  }
  return typeof data === "number" ? data : data === "inf" ? Infinity : data === "-inf" ? -Infinity : null;
}
