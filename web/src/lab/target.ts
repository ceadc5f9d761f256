/** Which number a step brings, to be predicted before it is shown. */

import type { Content } from "../engine/types";
import type { Walk } from "../walk/walk";
import type { Lab } from "./state";

/** The number that arrives in the stop: what hides it, what it is called, and what the engine found. */
export interface Target {
  key: string;
  name: string;
  symbol: string;
  what: "value" | "gradient";
  answer: number;
}

export function targetOf(walk: Walk): Target | null {
  const { first, last, phase } = walk.frame.value;
  const { frames, nodes, trace } = walk.model.value;
  const frame = frames[last];
  if (first !== last || frame?.node === undefined || (phase !== "forward" && phase !== "backward")) return null;
  if (frame.share !== undefined && frame.share !== frame.shares) return null;
  const node = nodes[frame.node]!;
  const data = phase === "forward" ? node.value : node.gradient;
  const answer = data && "data" in data ? data.data : null;
  if (typeof answer !== "number") return null;
  const root = trace.result.symbol;
  const simple = /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(node.name) ? node.name : `(${node.name})`;
  return phase === "forward"
    ? { key: `v:${node.name}`, name: node.name, symbol: node.name, what: "value", answer }
    : { key: `g:${node.name}`, name: node.name, symbol: `d${root}/d${simple}`, what: "gradient", answer };
}

/** What has been answered, of one computation: another has other numbers. */
export interface Known {
  content: Content | null;
  keys: ReadonlySet<string>;
}

export function isKnown(lab: Lab, walk: Walk, target: Target): boolean {
  const { content, keys } = lab.known.value;
  return content === walk.content.value && keys.has(target.key);
}

export function know(lab: Lab, walk: Walk, target: Target): void {
  const content = walk.content.peek();
  const before = lab.known.peek();
  lab.known.value = { content, keys: new Set([...(before.content === content ? before.keys : []), target.key]) };
}

/** What is hidden now: the number of the step, until it was predicted. */
export function secretOf(lab: Lab, walk: Walk): string | null {
  const target = lab.predict.value ? targetOf(walk) : null;
  return target && !isKnown(lab, walk, target) ? target.key : null;
}
