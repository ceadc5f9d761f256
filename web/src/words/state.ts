/** What the next-word lab shows, as signals; the engine's frames write them (src/upriver/web/sessions/words.py). */
import { computed, signal, type Signal } from "@preact/signals";
import type { Frame } from "../engine/engine";
import { decode } from "../engine/link";
import { place } from "../app/router";
import { number, type Message } from "../i18n/t";
import { continued, numbers, type Curve } from "../opened/session";
import type { Measure, Ranked } from "../opened/types";

export interface Config {
  text: "en" | "zh" | "ja" | "ar" | "own";
  own?: string;
  context: number;
  layers: number;
  heads: number;
  width: number;
  lr: number;
  seed: number;
}

export interface Likely {
  symbol: string;
  p: number;
}
export interface Predicted {
  prompt: string;
  likely: Likely[];
  rest: number;
  skipped: Message | null;
}
export interface Sample {
  step: number;
  begin: string;
  text: string;
}
interface Tap {
  gradient: number;
  closed: number;
}
export interface Blamed {
  at: number;
  step: number;
  loss: number;
  context: string;
  right: Likely;
  best: Likely;
  message: Message;
  symbols: Tap[];
  heads: Tap[];
  parts: Tap[];
  attention: { weights: number[][][]; gradient: number[][][] }[];
  modules: Ranked[];
  weights: Record<Measure, Ranked[]>;
  predicted: number;
  healed: number;
}

/** A choice of the engine's, of those that are in the link, or the defaults. */
const DEFAULTS: Config = { text: "en", context: 32, layers: 1, heads: 4, width: 48, lr: 0.003, seed: 1 };

export function first(language: string): Config {
  const written = decode<Partial<Config>>(place.peek().parameters.get("s") ?? "");
  const own = ["zh", "ja", "ar"].includes(language) ? (language as Config["text"]) : "en";
  return { ...DEFAULTS, text: own, ...written };
}

export function createLab(config: Config) {
  const lab = {
    config: signal<Config>(config),
    step: signal(0),
    playing: signal(false),
    finished: signal(false),
    broken: signal(false),
    rate: signal(0),
    speed: signal(40),
    loss: signal<Curve>({ x: [], y: [] }),
    heldOut: signal<Curve>({ x: [], y: [] }),
    guess: signal(0),
    facts: signal<{ parameters: number; characters: number; symbols: number; excerpt: string } | null>(null),
    samples: signal<Sample[]>([]),
    alphabet: signal<string[]>([]),
    passage: signal<string[]>([]),
    right: signal<number[]>([]),
    best: signal<number[]>([]),
    bestShare: signal<number[]>([]),
    predicted: signal<Predicted | null>(null),
    /** The symbol of the passage that is asked about; its place. */
    asked: signal<number | null>(null),
    blamed: signal<Blamed | null>(null),
  };
  return { ...lab, latest: computed(() => lab.heldOut.value.y.at(-1) ?? lab.guess.value) };
}
export type Lab = ReturnType<typeof createLab>;

/** Write a signal only where it changes. */
function put<T>(to: Signal<T>, value: unknown): void {
  if (to.peek() !== value) to.value = value as T;
}

export function take(lab: Lab, frame: Frame): void {
  put(lab.step, frame.step);
  put(lab.playing, frame.playing);
  put(lab.finished, frame.finished);
  put(lab.broken, frame.broken);
  put(lab.rate, frame.rate);
  put(lab.speed, frame.speed);
  put(lab.loss, continued(lab.loss.peek(), frame, "loss", frame.lossFrom as number));
  put(lab.heldOut, continued(lab.heldOut.peek(), frame, "heldOut", frame.heldOutFrom as number));
  if (frame.passage === undefined) return;
  const symbols = Array.from(frame.passage as string);
  if (symbols.join("") !== lab.passage.peek().join("")) {
    lab.passage.value = symbols;
    lab.asked.value = null;
    lab.blamed.value = null;
  }
  lab.alphabet.value = Array.from(frame.alphabet as string);
  lab.right.value = numbers(frame, "right");
  lab.best.value = numbers(frame, "best");
  lab.bestShare.value = numbers(frame, "bestShare");
  lab.samples.value = frame.samples as Sample[];
  lab.predicted.value = frame.predicted as Predicted;
  lab.guess.value = frame.guess as number;
  lab.facts.value = {
    parameters: frame.parameters as number,
    characters: frame.characters as number,
    symbols: lab.alphabet.peek().length,
    excerpt: frame.excerpt as string,
  };
}

/** How a symbol is written where it would not be seen. */
export const visible = (symbol: string): string => ({ " ": "␣", "\n": "↵", "\t": "⇥" })[symbol] ?? symbol;

/** A probability in percent; one that is hardly there is not written with all its zeros. */
export const percent = (p: number): string =>
  p < 0.001 ? "< 0.1%" : p > 0.999 && p < 1 ? "> 99.9%" : `${number(100 * p, 3)}%`;

const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;
export const directionOf = (text: string): "ltr" | "rtl" => (RIGHT_TO_LEFT.test(text) ? "rtl" : "ltr");
