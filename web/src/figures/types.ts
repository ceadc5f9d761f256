/** What the asks of the figures answer (src/upriver/web/asks). */
import type { Message } from "../i18n/t";
import type { Arr, Content, Num } from "../engine/types";

export interface Nudged {
  before: number;
  after: number;
  predicted: number;
  measured: number;
  curvature: number;
  message: Message;
}

export interface Flow {
  layers: {
    name: string;
    gradient_norm: Num;
    update_ratio: Num;
    saturated: number;
    dead: number;
  }[];
  loss: Num;
  verdict: Message;
  first_over_last: Num;
  exploded_at: string | number | null;
}

export interface Point {
  step: number;
  w?: Num;
  loss: Num;
  gradient: Num;
  values?: Record<string, Num>;
  gradients?: Record<string, Num>;
}

export interface Descent {
  points: Point[];
  curve?: [number, number][];
  largest_stable: Num;
  verdict: Message;
}

export interface Activation {
  points: [number, number, number][];
  stack?: [number, number][];
  formula: string;
}

/** The number of a scalar array; NaN where it is not one number. */
export function scalar(array: Arr | null | undefined): number {
  return array && "data" in array ? finite(array.data as Num) : Number.NaN;
}

/** A number as JSON holds it: words stand for what JSON has no number for. */
export function finite(value: Num): number {
  return typeof value === "number" ? value : Number(String(value).replace("inf", "Infinity"));
}

export function node(content: Content, name: string) {
  return content.trace.nodes.find((one) => one.name === name);
}

export const value = (content: Content, name: string): number => scalar(node(content, name)?.value);
export const gradient = (content: Content, name: string): number => scalar(node(content, name)?.gradient);
