/** How far the reader has come. Kept in this browser only; it can be taken along as a file. */
import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "../app/keep";
import { language } from "../i18n/t";

/** An answer to a check or a prediction: what was chosen first and last. */
export interface Answered {
  given: number;
  right: boolean;
  tries: number;
}

export interface Progress {
  version: 1;
  /** Sections of the lesson that have been read to their end. */
  read: string[];
  answers: Record<string, Answered>;
  /** What the reader wrote in the boxes for thinking. */
  thoughts: Record<string, string>;
}

const NONE: Progress = { version: 1, read: [], answers: {}, thoughts: {} };
const LONGEST = 200_000;
const THOUGHT = 20_000;

export const progress = signal<Progress>(sound(kept("progress")) ?? NONE);
effect(() => keep("progress", progress.value));

/** What the lesson counts: its sections and its questions. Known once the lesson has been opened. */
export const counted = signal<readonly string[]>(kept<string[]>("counted") ?? []);

const done = (item: string, { read, answers }: Progress): boolean =>
  item.startsWith("section ") ? read.includes(item.slice(8)) : answers[item]?.right === true;

export const finished = computed(() => counted.value.filter((item) => done(item, progress.value)));
/** Between 0 and 1. */
export const share = computed(() => (counted.value.length ? finished.value.length / counted.value.length : 0));

export const percent = (part: number): string =>
  new Intl.NumberFormat(`${language.value.locale}-u-nu-latn`, { style: "percent", maximumFractionDigits: 0 }).format(
    part,
  );

export function count(items: readonly string[]): void {
  if (items.join() === counted.peek().join()) return;
  counted.value = items;
  keep("counted", items);
}

export function markRead(section: string): void {
  const now = progress.peek();
  if (!now.read.includes(section)) progress.value = { ...now, read: [...now.read, section] };
}

export function markAnswered(id: string, given: number, right: boolean): void {
  const now = progress.peek();
  const before = now.answers[id];
  const answer = { given, right: right || (before?.right ?? false), tries: (before?.tries ?? 0) + 1 };
  progress.value = { ...now, answers: { ...now.answers, [id]: answer } };
}

export function write(id: string, text: string): void {
  const now = progress.peek();
  progress.value = { ...now, thoughts: { ...now.thoughts, [id]: text.slice(0, THOUGHT) } };
}

export function reset(): void {
  progress.value = NONE;
}

export const asFile = (): string => JSON.stringify({ format: "upriver-progress", ...progress.peek() }, null, 1);

/** Take over what a file says; false if it is no file of ours, and then nothing changes. */
export function fromFile(text: string): boolean {
  if (text.length > LONGEST) return false;
  try {
    const found = sound(JSON.parse(text));
    if (!found) return false;
    progress.value = found;
    return true;
  } catch {
    return false;
  }
}

/** What is progress of this version, without what is not; undefined for anything else. */
function sound(data: unknown): Progress | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { version, read, answers, thoughts } = data as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(read)) return undefined;
  const entries = (value: unknown): [string, unknown][] =>
    typeof value === "object" && value !== null ? Object.entries(value) : [];
  return {
    version: 1,
    read: read.filter((item): item is string => typeof item === "string"),
    answers: Object.fromEntries(entries(answers).filter((entry): entry is [string, Answered] => isAnswer(entry[1]))),
    thoughts: Object.fromEntries(
      entries(thoughts).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
  };
}

function isAnswer(value: unknown): boolean {
  const answer = value as Answered | null;
  return typeof answer?.given === "number" && typeof answer.right === "boolean" && typeof answer.tries === "number";
}
