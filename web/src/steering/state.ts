/** What the steering lab shows, as signals; the engine's frames write them (src/upriver/web/sessions/steering.py). */
import { signal, type Signal } from "@preact/signals";
import { place } from "../app/router";
import type { Frame } from "../engine/engine";
import { decode } from "../engine/link";
import type { Message } from "../i18n/t";
import { continued, numbers, type Curve } from "../opened/session";
import type { Measure, Ranked } from "../opened/types";

export interface Config {
  track: string;
  points?: [number, number][];
  units: number;
  layers: number;
  lr: number;
  spread: number;
  seed: number;
}

/** One moment of a drive; the columns of the engine's trail. */
export interface Moment {
  x: number;
  y: number;
  heading: number;
  did: number;
  right: number;
  along: number;
}
export interface Trial {
  step: number;
  laps: number;
  each: number[];
}
export interface World {
  middle: number[];
  angles: number[];
  half: number;
  sight: number;
  size: [number, number];
}
export interface Ray {
  angle: number;
  saw: number;
  gradient: number;
  by: number;
  predicted: number;
  before: number;
  after: number;
}
export interface Blamed {
  run: number;
  moment: number;
  step: number;
  seen: number[];
  did: number;
  does: number;
  right: number;
  loss: number;
  message: Message;
  rays: Ray[];
  modules: Ranked[];
  units: Ranked[];
  weights: Record<Measure, Ranked[]>;
  predicted: number;
  healed: number;
}

const DEFAULTS: Config = { track: "bean", units: 12, layers: 1, lr: 0.003, spread: 0.6, seed: 1 };

export function first(): Config {
  return { ...DEFAULTS, ...decode<Partial<Config>>(place.peek().parameters.get("s") ?? "") };
}

export function createLab(config: Config) {
  return {
    config: signal<Config>(config),
    step: signal(0),
    playing: signal(false),
    learning: signal(false),
    driving: signal(false),
    finished: signal(false),
    rate: signal(0),
    pace: signal(1),
    source: signal("teacher"),
    mine: signal(0),
    off: signal(false),
    along: signal(0),
    best: signal(0),
    run: signal(0),
    pose: signal<number[]>([]),
    seen: signal<number[]>([]),
    trail: signal<Moment[]>([]),
    past: signal<Moment[]>([]),
    before: signal<number[]>([]),
    loss: signal<Curve>({ x: [], y: [] }),
    trials: signal<Trial[]>([]),
    world: signal<World | null>(null),
    weights: signal(0),
    blamed: signal<Blamed | null>(null),
  };
}
export type Lab = ReturnType<typeof createLab>;

function put<T>(to: Signal<T>, value: unknown): void {
  if (to.peek() !== value) to.value = value as T;
}

const WIDE = 6;

function moments(flat: number[]): Moment[] {
  const found: Moment[] = [];
  for (let i = 0; i + WIDE <= flat.length; i += WIDE) {
    const [x, y, heading, did, right, along] = flat.slice(i, i + WIDE) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    found.push({ x, y, heading, did, right, along });
  }
  return found;
}

export function take(lab: Lab, frame: Frame): void {
  for (const name of [
    "step",
    "playing",
    "learning",
    "driving",
    "finished",
    "rate",
    "pace",
    "source",
    "mine",
  ] as const) {
    put<unknown>(lab[name] as Signal<unknown>, frame[name]);
  }
  for (const name of ["off", "along", "best"] as const) put<unknown>(lab[name] as Signal<unknown>, frame[name]);
  if (frame.arrays.past) lab.past.value = moments(numbers(frame, "past"));
  const since = frame.momentsFrom as number;
  const added = moments(numbers(frame, "trail"));
  if (added.length || lab.trail.peek().length !== since || lab.run.peek() !== frame.run) {
    lab.trail.value = [...lab.trail.peek().slice(0, since), ...added];
  }
  // Frames come oftener than moments: what has not moved is not drawn again.
  const moved = added.length > 0 || lab.run.peek() !== frame.run || frame.arrays.middle !== undefined;
  put(lab.run, frame.run);
  put(lab.loss, continued(lab.loss.peek(), frame, "loss", frame.lossFrom as number));
  if (frame.arrays.middle) {
    lab.world.value = {
      middle: numbers(frame, "middle"),
      angles: numbers(frame, "angles"),
      half: frame.half as number,
      sight: frame.sight as number,
      size: frame.world as [number, number],
    };
    lab.before.value = numbers(frame, "before");
    lab.trials.value = frame.trials as Trial[];
    lab.weights.value = frame.parameters as number;
  }
  if (moved) {
    lab.seen.value = numbers(frame, "seen");
    lab.pose.value = numbers(frame, "pose");
  }
}

/** The moment that is asked about, if its run is still shown. */
export function asked(lab: Lab): Moment | undefined {
  const blamed = lab.blamed.value;
  if (!blamed) return undefined;
  if (blamed.run === lab.run.value) return lab.trail.value[blamed.moment];
  return blamed.run === lab.run.value - 1 ? lab.past.value[blamed.moment] : undefined;
}
