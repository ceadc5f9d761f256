/** The walk through a trace: where it is, what is open, what is hidden, as signals that all drawing follows. */

import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Content, Nested, Sign } from "../graph/content";
import { spell } from "../graph/spell";
import { arrived, computed as isComputed, gradientLabel, lit, modelOf, type Model, type Stop } from "../graph/model";

export type Stride = "operation" | "module";

/** What a trace was computed from, so that the engine can be asked more about it. */
export type Given =
  { expression: string; values: Record<string, Nested> } | { code: string; values?: Record<string, Nested> };

export interface WalkOptions {
  /** The frame to begin at; by default the first. */
  at?: number | "end";
  stride?: Stride;
  given?: ReadonlySignal<Given | null>;
  /** What is hidden at the place of the walk, beside `hidden`: told with the step itself, so that nothing flashes by. */
  secret?(walk: Walk): string | null;
}

export interface Walk {
  content: ReadonlySignal<Content>;
  model: ReadonlySignal<Model>;
  given: ReadonlySignal<Given | null>;
  /** The last frame by operation that has happened. */
  at: Signal<number>;
  stride: Signal<Stride>;
  playing: Signal<boolean>;
  /** Steps each second, times one. */
  speed: Signal<number>;
  stops: ReadonlySignal<Stop[]>;
  pos: ReadonlySignal<number>;
  count: ReadonlySignal<number>;
  frame: ReadonlySignal<Stop>;
  /** Nodes and edges of the stop that one is at. */
  lit: ReadonlySignal<{ nodes: Set<number>; edges: Set<number>; back: boolean }>;
  /** The box whose card is shown: "n3" a value, "m2" a module. */
  open: Signal<string | null>;
  /** "g:w" hides the gradient of w, "v:L" the value of L. */
  hidden: Signal<ReadonlySet<string>>;
  /** What is hidden, also by the rule that the walk was made with. */
  secrets: ReadonlySignal<ReadonlySet<string>>;
  /** The way in which modules are opened; "" if the picture may choose by its width. */
  view: Signal<string>;
  go(pos: number): void;
  forward(): void;
  back(): void;
  first(): void;
  last(): void;
  toggle(): void;
  find(name: string): number;
  seek(name: string, what: "gradient" | "value"): void;
  dispose(): void;
}

/** The time that a stop is shown for when the walk plays by itself, in milliseconds. */
export const PACE = 1200;

/** A walk through what `content` holds, which may be replaced at any time: the place is kept as well as it can be. */
export function createWalk(content: ReadonlySignal<Content>, options: WalkOptions = {}): Walk {
  const model = computed(() => modelOf(content.value));
  const at = signal(options.at === "end" ? Infinity : (options.at ?? 0));
  const stride = signal<Stride>(options.stride ?? "operation");
  const playing = signal(false);
  const speed = signal(1);
  const open = signal<string | null>(null);
  const hidden = signal<ReadonlySet<string>>(new Set());
  const view = signal("");
  const stops = computed(() => (stride.value === "module" ? model.value.byModule : model.value.byOperation));
  const count = computed(() => stops.value.length);
  const pos = computed(() => {
    const found = stops.value.findIndex((stop) => stop.last >= at.value);
    return found < 0 ? stops.value.length - 1 : found;
  });
  const frame = computed(() => stops.value[pos.value]!);
  const lights = computed(() => lit(model.value, frame.value.first, frame.value.last));
  const given = options.given ?? computed(() => givenBy(content.value));

  function go(to: number): void {
    const wanted = Math.max(0, Math.min(count.peek() - 1, Math.round(to)));
    const stop = stops.peek()[wanted]!;
    batch(() => {
      // At the end it stays at the end, whatever is computed next.
      at.value = wanted === count.peek() - 1 ? Infinity : stop.last;
      const node = model.peek().frames[stop.last]?.node;
      if (node !== undefined) open.value = `n${node}`;
      if (wanted === count.peek() - 1) playing.value = false;
    });
  }
  const walk: Walk = {
    content, model, given, at, stride, playing, speed, stops, pos, count, frame, lit: lights, open, hidden, view,
    secrets: computed(() => {
      const secret = options.secret?.(walk);
      return secret ? new Set([...hidden.value, secret]) : hidden.value;
    }),
    go,
    forward: () => go(pos.peek() + 1),
    back: () => go(pos.peek() - 1),
    first: () => go(0),
    last: () => go(count.peek() - 1),
    toggle() {
      if (!playing.peek() && pos.peek() === count.peek() - 1) go(0);
      playing.value = !playing.peek();
    },
    find: (name) => model.peek().nodes.findIndex((node) => node.name === name),
    seek(name, what) {
      const node = walk.find(name);
      if (node < 0) return;
      const { computedAt, arrivals } = model.peek();
      const frame = what === "value" ? Math.max(0, computedAt[node]!) : arrivals[node]!.at(-1)?.frame;
      if (frame === undefined) return;
      go(stops.peek().findIndex((stop) => stop.last >= frame));
      open.value = `n${node}`;
    },
    dispose: () => stopPlaying(),
  }; // prettier-ignore

  const stopPlaying = effect(() => {
    if (!playing.value) return undefined;
    const timer = setInterval(walk.forward, PACE / speed.value);
    return () => clearInterval(timer);
  });
  return walk;
}

function givenBy(content: Content): Given | null {
  if (content.code) return { code: content.code };
  const expression = content.source ?? content.trace.source;
  return expression && content.values ? { expression, values: content.values } : null;
}

/** What is shown of a node at the place of the walk. */
export interface Shown {
  value: string | undefined;
  valueHidden: boolean;
  gradient: string | undefined;
  gradientHidden: boolean;
  sign: Sign;
  whole: boolean;
}

/** What the picture, the table and the card may show of a node now. Reads signals: use it in a computed or a render. */
export function shownOf(walk: Walk, node: number): Shown {
  const model = walk.model.value;
  const last = walk.frame.value.last;
  const name = model.nodes[node]?.name ?? "";
  const gradient = gradientLabel(model, node, last);
  const hidden = walk.secrets.value;
  return {
    value: isComputed(model, node, last) ? spell(model.content.labels[node]?.v) : undefined,
    valueHidden: hidden.has(`v:${name}`),
    gradient: gradient && spell(gradient.text),
    gradientHidden: hidden.has(`g:${name}`),
    sign: gradient?.sign ?? 0,
    whole: gradient?.whole ?? false,
  };
}

/**
 * What of a node's showing can differ from step to step, as a short text: what is drawn of it is made anew only where
 * this changes. Reads signals.
 */
export function stageOf(walk: Walk, node: number): string {
  const model = walk.model.value;
  const last = walk.frame.value.last;
  const name = model.nodes[node]?.name ?? "";
  const hidden = walk.secrets.value;
  const secret = hidden.size ? `${hidden.has(`v:${name}`)}${hidden.has(`g:${name}`)}` : "";
  return `${isComputed(model, node, last)} ${arrived(model, node, last)?.frame ?? ""} ${secret}`;
}

/** Whether the sentence of the stop would give a hidden number away. */
export function conceals(walk: Walk): boolean {
  const { first, last, phase } = walk.frame.value;
  const hidden = walk.secrets.value;
  if (!hidden.size) return false;
  const { frames, nodes } = walk.model.value;
  if (phase === "end" || phase === "start") {
    return [...hidden].some((key) => (phase === "end" ? key.startsWith("g:") : key.startsWith("v:")));
  }
  for (let i = first; i <= last; i++) {
    const name = nodes[frames[i]?.node ?? -1]?.name;
    if (name !== undefined && hidden.has(`${phase === "forward" ? "v" : "g"}:${name}`)) return true;
  }
  return false;
}
