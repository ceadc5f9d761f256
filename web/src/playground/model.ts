/** The playground's state: configurations, the session that trains them, and what it has shown so far. */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { note, place, type Place } from "../app/router";
import { decode, encode } from "../engine/link";
import { EngineError, open, type Frame, type SessionHandle } from "../engine/engine";
import { presetOf, type Given } from "./names";
import { createHistory, type History } from "./history";
import { LIVE, SHARED, USUAL, type Config, type Now, type Numeric, type Opened, type Part, type Scene } from "./types";

export const full = (given: Partial<Config>): Config => ({ ...USUAL, ...given });

/** A number of the session: what JSON cannot hold travels as a word. */
export const num = (x: Numeric): number =>
  typeof x === "number" ? x : x === "inf" ? Infinity : x === "-inf" ? -Infinity : NaN;

export interface Playground {
  sides: Signal<Config[]>;
  speed: Signal<number>;
  playing: Signal<boolean>;
  scenes: Signal<(Scene | null)[]>;
  nows: Signal<(Now | null)[]>;
  /** The same a few times a second: for what is read, not watched. */
  slow: Signal<(Now | null)[]>;
  histories: ReadonlySignal<History>[];
  error: Signal<EngineError | null>;
  event: Signal<string>;
  /** The weight, bias or unit that is looked at; and its gradient, where it has been opened. */
  chosen: Signal<Part | null>;
  opened: Signal<Opened | null>;
  /** Where the focus was when it was asked for. */
  asker(): Element | null;
  rate: ReadonlySignal<{ frames: number; steps: number }>;
  ready: ReadonlySignal<boolean>;
  play(): void;
  pause(): void;
  step(count?: number): void;
  reset(): void;
  setSpeed(speed: number): void;
  change(side: number, more: Partial<Config>): void;
  load(given: Given): void;
  weight(part: Part, value: number): Promise<void>;
  open(part: Part): Promise<void>;
  freeze(side: number): Promise<unknown>;
  link(): string;
  /** Write the link of this moment into the address. */
  write(): void;
  /** The reader has followed a link to the playground: begin what it says, unless it is what is here. */
  come(to: Place): void;
  /** The reader goes to another page, and may come back. */
  leave(): void;
  stop(): void;
}

interface Linked extends Given {
  at?: number;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);
const isPoint = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 3 && value.every((x) => typeof x === "number");

/** What of a configuration can be drawn at all; whether it can be trained, the engine says. */
function sound(given: unknown): Partial<Config> {
  const items = Object.entries((given ?? {}) as Config).filter(
    ([key, value]) => key in USUAL && kindOf(value) === kindOf(USUAL[key as keyof Config]),
  );
  const config = Object.fromEntries(items) as Partial<Config>;
  return config.drawn?.every(isPoint) === false ? { ...config, drawn: [] } : config;
}

/** What the link asks for: a state, a preset, or nothing. */
export function fromLink(parameters: URLSearchParams): Linked {
  const state = parameters.get("s");
  const found = state ? decode<Linked>(state) : undefined;
  if (found && Array.isArray(found.sides) && found.sides.length > 0) {
    return { ...found, sides: found.sides.map(sound) };
  }
  return presetOf(parameters.get("preset") ?? "") ?? { sides: [{}] };
}

/** Whether there is enough to train on; else the session is not asked. */
export const trainable = (config: Config): boolean =>
  config.data === "drawn"
    ? config.drawn.length >= 4 && new Set(config.drawn.map((p) => p[2])).size === 2
    : config.data !== "table" || (config.table.text ?? "").trim() !== "";

/** Only what differs from the usual is in the link. */
function slim(given: Config): Partial<Config> {
  // A large table would make a link that nobody can send: it is left out, and asked for again.
  const config = (given.table.text ?? "").length > LARGE ? { ...given, table: {} } : given;
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(USUAL[key as keyof Config]),
    ),
  ) as Partial<Config>;
}

const AT_ONCE = 10_000; // steps
const FARTHEST = 200_000;
const LARGE = 20_000; // characters of a table
const READ = 120; // ms between two updates of what is read
const QUIET = 250; // ms after the last change of a setting: then it is trained anew

export function createPlayground(parameters: URLSearchParams): Playground {
  const first = fromLink(parameters);
  const sides = signal(first.sides.slice(0, 2).map(full));
  const speed = signal(first.speed ?? 25);
  const playing = signal(false);
  const scenes = signal<(Scene | null)[]>([null, null]);
  const nows = signal<(Now | null)[]>([null, null]);
  const slow = signal<(Now | null)[]>([null, null]);
  let slowed = 0;
  const histories = [signal(createHistory()), signal(createHistory())];
  const error = signal<EngineError | null>(null);
  const event = signal("");
  const chosen = signal<Part | null>(null);
  const opened = signal<Opened | null>(null);
  const rate = signal({ frames: 0, steps: 0 });
  const ready = computed(() => nows.value[0] !== null);
  // The session is opened again with this object when the connection was lost: it says what is wanted by then.
  const given = { sides: sides.value, speed: speed.value, playing: false };
  let session: SessionHandle | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dropped: { at: number; playing: boolean } | null = null;
  let touched = false; // changed by hand since it began: its step alone does not tell where it is
  let asker: Element | null = null;
  let told = 0; // times that it was told to play or not, and has not answered
  let meter = { at: performance.now(), frames: 0, step: 0 };

  function shown(frame: Frame): void {
    const array = <T>(name: string): T | undefined => frame.arrays[name]?.data as T | undefined;
    const newScenes = [...scenes.value];
    const newNows = (frame.sides as (Now & { scene?: Scene })[]).map((side, i): Now => {
      if (side.scene) {
        newScenes[i] = {
          ...side.scene,
          points: array(`${i}.points`) as Float32Array,
          held: array(`${i}.held`) as Uint8Array,
          inputs: array(`${i}.inputs`) as Uint8Array,
        };
      }
      const before = side.scene ? null : nows.value[i];
      return {
        ...side,
        train: num(side.train),
        test: num(side.test),
        objective: num(side.objective),
        norms: side.norms.map(num),
        map: array(`${i}.map`) as Uint8Array,
        units: array(`${i}.units`) ?? before?.units ?? new Uint8Array(),
        outputs: array(`${i}.outputs`) ?? before?.outputs ?? new Float32Array(),
        weights: array(`${i}.weights`) as Float32Array,
        gradients: array(`${i}.gradients`) as Float32Array,
      };
    });
    const now = performance.now();
    meter.frames += 1;
    batch(() => {
      const another = newNows.some((_, i) => newScenes[i] !== scenes.value[i]);
      if (another) scenes.value = newScenes;
      nows.value = [newNows[0] ?? null, newNows[1] ?? null];
      newNows.forEach((one, i) => {
        const history = histories[i];
        if (history) history.value = history.value.add(one);
      });
      // (A frame of before it was told does not know of it yet.)
      if (!told) playing.value = frame.playing as boolean;
      if (!playing.value || now - slowed > READ || another) {
        slow.value = nows.value;
        slowed = now;
      }
      if (now - meter.at > 1000) {
        const step = newNows[0]?.step ?? 0;
        const seconds = (now - meter.at) / 1000;
        rate.value = { frames: meter.frames / seconds, steps: Math.max(0, step - meter.step) / seconds };
        meter = { at: now, frames: 0, step };
      }
    });
  }

  const failed = (problem: unknown): void => {
    error.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
  };

  async function tell<T>(what: string, more: object = {}): Promise<T | undefined> {
    if (!session) return undefined;
    try {
      const answer = await session.tell<T>(what, more);
      error.value = null;
      return answer;
    } catch (problem) {
      failed(problem);
      return undefined;
    }
  }

  async function run<T>(on: boolean, what: string, more: object = {}): Promise<T | undefined> {
    playing.value = on;
    told += 1;
    const answer = await tell<T>(what, more);
    told = Math.max(0, told - 1);
    return answer;
  }

  /** The connection was lost, and the session is no longer kept: the new one trains up to where the old one was. */
  async function caughtUp(was: { at: number; playing: boolean }): Promise<void> {
    dropped = null;
    // What was changed by hand meanwhile cannot be trained again: then it is said that it begins anew.
    event.value = touched && was.at > 0 ? "anew" : was.at > 0 ? "recovered" : "";
    if (!touched) await advance(was);
    touched = false;
    if (was.playing) await tell("play", { speed: speed.value });
  }

  function begin(): void {
    told = 0;
    session = open("playground", given, {
      frame: shown,
      event: ({ event: what }) => {
        if (what === "dropped") {
          dropped ??= { at: nows.value[0]?.step ?? 0, playing: playing.value };
          playing.value = false;
        } else if (what === "opened" && dropped) void caughtUp(dropped);
        else {
          if (what === "resumed") dropped = null;
          event.value = what;
        }
      },
      error: (problem) => {
        failed(problem);
        session?.stop();
        session = null;
      },
    });
  }

  /** Train what is configured now, from the beginning. */
  function again(): void {
    clearTimeout(timer);
    timer = undefined;
    touched = false;
    event.value = "";
    Object.assign(given, { sides: sides.value, speed: speed.value });
    if (!sides.value.every(trainable)) return;
    batch(() => {
      opened.value = null;
      const part = chosen.value;
      if (part && (part.side >= sides.value.length || !exists(sides.value[part.side] as Config, part)))
        chosen.value = null;
    });
    if (session) void tell("reset", { sides: sides.value, playing: playing.value });
    else begin();
  }

  function link(): string {
    const at = playing.value || touched ? undefined : (nows.value[0]?.step ?? 0) || undefined;
    return `#/playground?s=${encode({ sides: sides.value.map(slim), speed: speed.value, at })}`;
  }

  let noted = parameters.get("s") ?? parameters.get("preset");
  function write(): void {
    if (place.peek().page !== "playground") return;
    const hash = link();
    noted = new URLSearchParams(hash.split("?")[1]).get("s");
    note(hash);
  }
  const writing = effect(() => {
    // While it trains the link says how it began; paused, also how far it is (link() reads the step only then).
    void [sides.value, speed.value, playing.value];
    write();
  });

  /** Go on from what a link says, up to the step that it was made at. */
  async function advance(wanted: { at?: number }): Promise<void> {
    for (let left = Math.min(FARTHEST, Math.round(wanted.at ?? 0)); left > 0; left -= AT_ONCE) {
      if ((await tell("step", { count: Math.min(AT_ONCE, left) })) === undefined) return;
    }
  }
  function load(wanted: Linked): void {
    batch(() => {
      sides.value = wanted.sides.slice(0, 2).map(full);
      speed.value = wanted.speed ?? 25;
      playing.value = false;
      scenes.value = [null, null];
      nows.value = slow.value = [null, null];
    });
    again();
    void tell("speed", { speed: speed.value });
    void advance(wanted);
  }

  if (sides.value.every(trainable)) begin();
  void advance(first);

  return {
    sides,
    speed,
    playing,
    scenes,
    nows,
    slow,
    histories,
    error,
    event,
    chosen,
    opened,
    rate,
    ready,
    play() {
      void run(true, "play", { speed: speed.value });
    },
    pause() {
      void run(false, "pause");
    },
    step(count = 1) {
      void run(false, "step", { count }).then(write);
    },
    reset: again,
    setSpeed(value) {
      speed.value = value;
      given.speed = value;
      void tell("speed", { speed: value });
    },
    change(side, more) {
      const common = Object.fromEntries(
        Object.entries(more).filter(([key]) => (SHARED as readonly string[]).includes(key)),
      );
      sides.value = sides.value.map((config, i) => ({ ...config, ...common, ...(i === side ? more : {}) }));
      if (Object.keys(more).every((key) => LIVE.includes(key))) {
        touched = true;
        given.sides = sides.value;
        void tell("set", { side, ...more });
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(again, QUIET);
    },
    load,
    async weight(part, value) {
      touched = true;
      await tell("weight", { side: part.side, layer: part.layer, unit: part.unit, from: part.from, value });
    },
    async open(part) {
      chosen.value = part;
      asker = document.activeElement;
      const { side, layer, unit, from } = part;
      const found = await tell<Opened>("open", { side, layer, unit, ...(from === null ? {} : { from }) });
      if (found) opened.value = found;
    },
    asker: () => asker,
    freeze: (side) => tell("freeze", { side }),
    link,
    write,
    come({ page, parameters: asked }) {
      const wanted = asked.get("s") ?? asked.get("preset");
      if (page === "playground" && wanted !== null && wanted !== noted) load(fromLink(asked));
    },
    leave() {
      if (playing.peek()) this.pause();
    },
    stop() {
      clearTimeout(timer);
      writing();
      session?.stop();
    },
  };
}

function exists(config: Config, part: Part): boolean {
  const sizes = [config.features.length, ...config.layers, 1];
  const within = part.unit < (sizes[part.layer] ?? 0);
  return within && (typeof part.from !== "number" || part.from < (sizes[part.layer - 1] ?? 0));
}
