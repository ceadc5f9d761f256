/**
 * A trace drawn without the engine, on a static site or while it cannot be reached: every operation in a box, in ranks
 * by its longest way from what is given. The engine's own layout is better; the numbers are the trace's either way.
 */

import { EngineError } from "../engine/engine";
import type { Arr, Content, Nested, Trace, View } from "../engine/types";
import { signOf } from "../graph/model";
import { short } from "../graph/numbers";
import { t } from "../i18n/t";

const MOST = 300;
const [GAP, RANK_GAP, LETTER, ROW] = [24, 44, 7.2, 17];

/** What the lab draws of a trace. Throws an EngineError where it is none, or too large to be drawn like this. */
export function contentOf(document: unknown): Content {
  const trace = document as Trace;
  if (trace?.format !== "upriver-trace" || !Array.isArray(trace.nodes) || !Array.isArray(trace.frames)) {
    throw new EngineError("input", t("This is not a trace of Upriver."));
  }
  if (trace.version > 1)
    throw new EngineError("input", t("This trace was written by a newer Upriver."), t("Update Upriver."));
  if (!sound(trace))
    throw new EngineError("input", t("This trace is damaged."), t("Write it again from the computation."));
  const labels: Content["labels"] = {};
  for (const node of trace.nodes) {
    if (node.kind === "constant" && !node.gradient) continue;
    labels[node.id] = {
      t: cut(node.name, 34),
      v: cut(short(node.value), 30),
      ...(node.shape.length ? { s: node.shape.join("×") } : {}),
      ...(node.gradient ? { g: cut(short(node.gradient), 30), d: signOf(node.gradient) } : {}),
    };
  }
  if (Object.keys(labels).length > MOST) {
    throw new EngineError(
      "limit",
      t("This trace is too large to be drawn without the engine."),
      t("Run “upriver learn” on your own computer."),
    );
  }
  const sums: Content["sums"] = {};
  trace.frames.forEach((frame, i) => {
    if (frame.sum && (frame.share ?? 0) < (frame.shares ?? 0)) sums[i] = [cut(short(frame.sum), 30), signOf(frame.sum)];
  });
  const view = layout(trace, labels);
  return {
    trace,
    title: trace.source ?? "",
    views: { first: view, all: "first", closed: "first" },
    labels,
    groups: {},
    sums,
    math: {},
  };
}

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

/** Whether everything that the page follows is there. */
function sound({ nodes, edges, frames, result, modules }: Trace): boolean {
  const node = (i: unknown) => Number.isInteger(i) && (i as number) >= 0 && (i as number) < nodes.length;
  const array = (a: Arr | null | undefined) =>
    a == null || (Array.isArray(a.shape) && ("data" in a ? numbers(a.data) : "summary" in a));
  return (
    Array.isArray(edges) &&
    Array.isArray(modules) &&
    frames.length > 0 &&
    node(result?.node) &&
    nodes.every(
      (one, i) => one?.id === i && typeof one.name === "string" && one.value && array(one.value) && array(one.gradient),
    ) &&
    edges.every((edge) => node(edge?.from) && node(edge.to) && edge.from < edge.to && array(edge.product)) &&
    frames.every((frame) => typeof frame?.phase === "string" && (frame.node === undefined || node(frame.node))) &&
    frames.every((frame) => frame.edge === undefined || edges[frame.edge] !== undefined)
  );
}

const numbers = (data: Nested): boolean =>
  Array.isArray(data) ? data.every(numbers) : ["number", "string", "boolean"].includes(typeof data);

/** Boxes in ranks from what is given to the result, each beside what it reads. */
function layout(trace: Trace, labels: Content["labels"]): View {
  const ids = trace.nodes.map((node) => node.id).filter((id) => id in labels);
  const edges = trace.edges.filter((edge) => edge.from in labels && edge.to in labels);
  const rank = new Map(ids.map((id) => [id, 0]));
  for (const { from, to } of [...edges].sort((a, b) => a.to - b.to))
    rank.set(to, Math.max(rank.get(to)!, rank.get(from)! + 1));
  // What is given stands right before what uses it first.
  for (const id of ids) {
    const users = edges.filter((edge) => edge.from === id).map((edge) => rank.get(edge.to)!);
    if (trace.nodes[id]!.kind !== "operation" && users.length) rank.set(id, Math.min(...users) - 1);
  }
  const ranks: number[][] = [];
  for (const id of ids) (ranks[rank.get(id)!] ??= []).push(id);
  const place = new Map<number, number>();
  const width = (id: number) => {
    const { t: title, v, g } = labels[id] as { t: string; v: string; g?: string };
    return Math.ceil(24 + LETTER * Math.max(title.length, v.length + 2, g === undefined ? 0 : g.length + 11));
  };
  const height = (id: number) => 30 + ROW * (labels[id]!.g === undefined ? 1 : 2);
  const boxes: View["b"] = {};
  let x = 0;
  let bottom = 0;
  ranks.forEach((row = []) => {
    const mean = (id: number) => {
      const from = edges
        .filter((edge) => edge.to === id || edge.from === id)
        .flatMap((edge) => place.get(edge.to === id ? edge.from : edge.to) ?? []);
      return from.length ? from.reduce((a, b) => a + b, 0) / from.length : Infinity;
    };
    const order = row.map((id, i) => ({ id, at: mean(id), i })).sort((a, b) => a.at - b.at || a.i - b.i || 0);
    const wide = Math.max(...row.map(width));
    let y = 0;
    for (const { id, at } of order) {
      const top = Math.max(y, Number.isFinite(at) ? at - height(id) / 2 : 0);
      boxes[`n${id}`] = [x, Math.round(top), width(id), height(id)];
      place.set(id, top + height(id) / 2);
      y = top + height(id) + GAP;
    }
    bottom = Math.max(bottom, y - GAP);
    x += wide + RANK_GAP;
  });
  const lines = new Map<string, View["l"][number]>();
  trace.edges.forEach((edge, i) => {
    const [a, b] = [boxes[`n${edge.from}`], boxes[`n${edge.to}`]];
    if (!a || !b) return;
    const key = `${edge.from} ${edge.to}`;
    const found = lines.get(key);
    if (found) found.e.push(i);
    else lines.set(key, { e: [i], r: [a[0] + a[2], a[1] + a[3] / 2, b[0], b[1] + b[3] / 2] });
  });
  return {
    w: Math.max(x - RANK_GAP, 1),
    h: Math.max(Math.round(bottom), 1),
    d: 0,
    b: boxes,
    f: {},
    l: [...lines.values()],
  };
}
