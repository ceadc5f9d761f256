/** What the sessions of the labs answer when they are asked where the blame goes. */
import type { Content, Text } from "../engine/types";
import type { PathsAnswer } from "../walk/PathList";

/** A module, a unit or a weight in a ranking by the engine; a unit's name is in words. */
export interface Ranked {
  name: Text;
  value: number;
  weight: number | null;
}

export type Measure = "sensitivity" | "update" | "gradient x weight";

export interface OpenedAnswer {
  name: string;
  content: Content;
  paths?: (PathsAnswer & { share: number; count: number }) | null;
  /** What each place of the context adds to the gradient of a weight, exactly. */
  places?: { values: number[]; gradient: number } | null;
}
