/** What the engine gives a page to draw: a trace, and where its boxes stand in each way of opening its modules. */

export type {
  Arr as ArrayData,
  Content,
  Frame,
  ModuleFrame,
  Nested,
  Num,
  Phase,
  Trace,
  TraceEdge as Edge,
  TraceNode as Node,
  View,
} from "../engine/types";

/** x, y, width, height. */
export type Rect = [number, number, number, number];
export type Sign = -1 | 0 | 1;
