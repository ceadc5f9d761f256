/** What the engine writes: a trace (docs/trace.md) and what its pages need beside it. */
import type { Message } from "../i18n/t";

/** A number, or the word for what JSON has no number for: "nan", "inf", "-inf". */
export type Num = number | string | boolean;
/** Words, or a message that can be said in any language. */
export type Text = string | Message;
export type Nested = Num | Nested[];

/** An array: all of it, or its summary and some entries. */
export type Arr =
  | { shape: number[]; data: Nested }
  | { shape: number[]; summary: Record<string, Num | null>; entries: { at: number[]; value: Num }[] };

export interface TraceNode {
  id: number;
  kind: "leaf" | "input" | "constant" | "operation";
  name: string;
  latex: string;
  shape: number[];
  dtype: string;
  value: Arr;
  gradient: Arr | null;
  op?: string;
  formula?: { text: string; latex: string };
  attrs?: Record<string, unknown>;
  inputs?: { node?: number; number?: Num }[];
  module?: number | null;
  line?: { file: string; line: number; text: string } | null;
}

export interface TraceEdge {
  from: number;
  to: number;
  input: number;
  step?: number;
  derivative?: {
    symbol: string;
    kind: "factor" | "product";
    text: string;
    latex: string;
    unsimplified?: string;
    value: Arr | null;
    upstream_symbol?: string;
    constants?: Record<string, Arr>;
  };
  product?: Arr;
}

export type Phase = "start" | "forward" | "seed" | "backward" | "end";

export interface Frame {
  phase: Phase;
  node?: number;
  edge?: number;
  share?: number;
  shares?: number;
  sum?: Arr;
  sentence?: string;
  said?: Message;
}

export interface ModuleFrame {
  phase: Phase;
  module: number | null;
  first: number;
  last: number;
  sentence?: string;
  said?: Message;
}

export interface Trace {
  format: "upriver-trace";
  version: number;
  generator: string;
  source: string | null;
  result: { node: number; symbol: string; sentence: string; said?: Message };
  answers: { node: number; entry: number[] | null; symbol: string; gradient: Arr }[];
  nodes: TraceNode[];
  edges: TraceEdge[];
  modules: { path: string; type: string; parent: number | null }[];
  frames: Frame[];
  module_frames?: ModuleFrame[];
}

/** One way of drawing a trace: boxes, frames of opened modules, lines; see explain/views.py. */
export interface View {
  w: number;
  h: number;
  d: number;
  b: Record<string, [number, number, number, number]>;
  f: Record<string, [number, number, number, number]>;
  l: { r: number[]; e: number[] }[];
}

/** A trace with what is needed to draw it, as explain/page.py makes it. */
export interface Content {
  trace: Trace;
  title: Text;
  views: Record<string, View | string>;
  labels: Record<string, { t: Text; s?: Text; p?: Text; v?: Text; g?: Text; d?: number }>;
  groups: Record<string, { t: Text; m: Text; n: number[]; in: string }>;
  sums: Record<string, [Text, number]>;
  math: Record<string, string>;
  /** What it was made from, where that is an expression or the code of a small network. */
  names?: string[];
  values?: Record<string, Nested>;
  latex?: string;
  source?: string | null;
  code?: string;
}
