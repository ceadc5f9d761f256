/** The figures' questions to the engine, from the file that `upriver site` records them from: nothing else is asked. */
import data from "../../../src/upriver/web/figures.json";

export type Json = number | string | boolean | null | Json[] | { [key: string]: Json };

export interface Ask {
  ask: string;
  with: Record<string, Json>;
  /** Paths into `with`, and the values that each may take; a static site has recorded every combination. */
  vary?: Record<string, Json[]>;
}

/** One question, ready to be asked. */
export interface Request {
  ask: string;
  with: Record<string, Json>;
}

export interface Prediction {
  expression: string;
  values: Record<string, Json>;
  name: string;
  kind?: "update";
  lr?: number;
  choices: number[];
}

interface Figures {
  figures: Record<string, { asks: Ask[] }>;
  predict: Record<string, Prediction>;
  run: Record<string, { figure: string }>;
}

const { figures, predict, run } = data as unknown as Figures;

export const figureNames = Object.keys(figures);

/** The `index`-th question of a figure, with some of what it varies set. */
export function request(figure: string, index: number, set: Record<string, Json> = {}): Request {
  const found = figures[figure]?.asks[index];
  if (!found) throw new Error(`figures.json has no question ${index} of ${figure}`);
  return put(found, set);
}

/** The values that `path` may take. */
export function choices<T extends Json = number>(figure: string, index: number, path: string): T[] {
  return (figures[figure]?.asks[index]?.vary?.[path] ?? []) as T[];
}

export function prediction(name: string): Prediction {
  const found = predict[name];
  if (!found) throw new Error(`figures.json has no prediction ${name}`);
  return found;
}

/** What to ask about an answer of the learner: which mistake leads to it? */
export function mistake(name: string, given: number): Request {
  const { expression, values, name: of, kind, lr } = prediction(name);
  const more: Record<string, Json> = kind === "update" ? { kind, lr: lr ?? 0 } : {};
  return { ask: "mistakes", with: { expression, values, name: of, given, ...more } };
}

export const runFigure = (name: string): string => run[name]?.figure ?? name;

function put(ask: Ask, set: Record<string, Json>): Request {
  const made = structuredClone(ask.with);
  for (const [path, value] of Object.entries(set)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let place = made;
    for (const key of keys) place = place[key] as Record<string, Json>;
    place[last] = value;
  }
  return { ask: ask.ask, with: made };
}

/** The address of the lab with this expression in it. */
export function labLink(expression: string, values: Record<string, Json>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `#/lab?e=${encodeURIComponent(expression)}&${parts.join("&")}`;
}
