/** The prose of lesson, slides, questions and glossary, as data: what the build makes of a Markdown file and the pages show. */

export type Language = string;
export type DocumentName = "lesson" | "slides" | "questions" | "glossary";
export const DOCUMENTS: readonly DocumentName[] = ["lesson", "slides", "questions", "glossary"];

export interface Choice {
  html: string;
  right: boolean;
  why: string;
}

export type Block =
  | { kind: "text"; html: string }
  | { kind: "figure"; name: string; html: string }
  | { kind: "check"; id: string; html: string; choices: Choice[] }
  | { kind: "think"; id: string; html: string; answer: string }
  | { kind: "predict"; name: string; html: string; answer: string }
  | { kind: "takeaways"; html: string }
  | { kind: "aside"; id: string; html: string }
  | { kind: "further"; html: string }
  | { kind: "notes"; minutes: number; html: string }
  | { kind: "run"; name: string; html: string };

export interface Section {
  id: string;
  title: string;
  blocks: Block[];
  /** `lesson#section` that a glossary entry points back to. */
  see: string[];
}

export interface Prose {
  title: string;
  minutes: number;
  level: string;
  /** What stands before the first heading. */
  intro: Block[];
  sections: Section[];
}

/** What must be the same in every language, with the line it is on: two files agree when these agree, item by item. */
export interface Part {
  where: string;
  what: string;
  line: number;
}

export interface Compiled {
  prose: Prose;
  parts: Part[];
}

/** A fault in a prose file, said with file, line and block. */
export class ProseError extends Error {
  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.name = "ProseError";
  }
}
