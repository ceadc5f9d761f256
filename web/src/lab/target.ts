/** Which number a step brings, to be predicted before it is shown. */

import type { Content, Nested } from "../engine/types";
import type { Walk } from "../walk/walk";
import type { Lab } from "./state";

/** The number that arrives in the stop: what hides it, what it is called, and what the engine found. */
export interface Target {
  key: string;
  name: string;
  symbol: string;
  what: "value" | "gradient";
  /** Of an array one entry is asked for. */
  entry?: number[];
  answer: number;
}

/** The entry of an array that is asked for: the largest in size, which tells most. */
export function entryOf(data: Nested): { entry: number[]; answer: number } | null {
  let found: { entry: number[]; answer: number } | null = null;
  const look = (part: Nested, entry: number[]) => {
    if (Array.isArray(part)) part.forEach((inner, i) => look(inner, [...entry, i]));
    else if (typeof part === "number" && !(found && Math.abs(found.answer) >= Math.abs(part)))
      found = { entry, answer: part };
  };
  look(data, []);
  return found;
}

export function targetOf(walk: Walk): Target | null {
  const { first, last, phase } = walk.frame.value;
  const { frames, nodes, trace } = walk.model.value;
  const frame = frames[last];
  if (first !== last || frame?.node === undefined || (phase !== "forward" && phase !== "backward")) return null;
  if (frame.share !== undefined && frame.share !== frame.shares) return null;
  const node = nodes[frame.node]!;
  const data = phase === "forward" ? node.value : node.gradient;
  const asked = data && "data" in data ? entryOf(data.data) : null;
  if (!asked) return null;
  const root = trace.result.symbol;
  const simple = /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(node.name) ? node.name : `(${node.name})`;
  const at = asked.entry.length ? `[${asked.entry.join(", ")}]` : "";
  const about = { name: node.name, answer: asked.answer, ...(at ? { entry: asked.entry } : {}) };
  return phase === "forward"
    ? { ...about, key: `v:${node.name}`, symbol: at ? simple + at : node.name, what: "value" }
    : { ...about, key: `g:${node.name}`, symbol: `d${root}/d${simple}${at}`, what: "gradient" };
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
