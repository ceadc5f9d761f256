/** What the lab holds: what was typed, its values, what the engine made of it, and the walk through it. */

import { batch, computed, effect, signal, untracked, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Content, Nested, Text } from "../engine/types";
import { spell } from "../graph/spell";
import { createWalk, type Given, type Stride, type Walk } from "../walk/walk";
import type { DrawerTab } from "../walk/Drawer";
import { createDeriving, type Deriving, type Source, type Values } from "./derive";
import { NETWORK } from "./examples";
import { secretOf, type Known } from "./target";
import { names, plain } from "./tokens";

export type Kind = "expression" | "network" | "trace";

/** All that a link carries. */
export interface Saved {
  e?: string;
  c?: string;
  v?: Values;
  /** The frame, null for the end. */
  at?: number | null;
  by?: Stride;
  open?: string | null;
  view?: string;
  tab?: DrawerTab;
}

export interface Lab {
  kind: Signal<Kind>;
  expression: Signal<string>;
  code: Signal<string>;
  values: Signal<Values>;
  /** What a trace from elsewhere is called. */
  title: Signal<Text>;
  /** The hash of the page that the trace came from. */
  back: Signal<string>;
  deriving: Deriving;
  walk: ReadonlySignal<Walk | null>;
  tab: Signal<DrawerTab>;
  predict: Signal<boolean>;
  known: Signal<Known>;
  source: ReadonlySignal<Source | null>;
  /** What is looked at, in a line. */
  sourceText: ReadonlySignal<string>;
  /** Ask for what is typed, with the values that there are. */
  refresh(): void;
  choose(source: Source, values: Values): void;
  setExpression(text: string): void;
  setValue(name: string, value: Nested): void;
  show(content: Content, title: Text, given?: Given | null, back?: string): void;
  save(): Saved | null;
  restore(saved: Saved): void;
}

const USUAL: Values = { pi: Math.PI, e: Math.E };

export function createLab(deriving: Deriving = createDeriving()): Lab {
  const kind = signal<Kind>("expression");
  const expression = signal("(w*x - y)**2");
  const code = signal(NETWORK);
  const values = signal<Values>({ w: 2, x: 3, y: 10 });
  const title = signal<Text>("");
  const back = signal("");
  const tab = signal<DrawerTab>("words");
  const outside = signal<Given | null>(null);
  // Values of names that are not in the expression just now, should they come back.
  const remembered: Values = {};

  const source = computed<Source | null>(() => {
    if (kind.value === "trace") return null;
    return kind.value === "expression"
      ? { kind: "expression", expression: expression.value }
      : { kind: "network", code: code.value };
  });
  const sourceText = computed(() =>
    kind.value === "expression" ? expression.value : kind.value === "network" ? code.value : spell(title.value),
  );
  const given = computed<Given | null>(() => {
    if (kind.value === "trace") return outside.value;
    // What the picture shows, not what is being typed.
    const content = deriving.content.value;
    if (kind.value === "network") return content?.code ? { code: content.code } : null;
    return content?.source && content.values ? { expression: content.source, values: content.values } : null;
  });
  const ready = computed(() => deriving.content.value !== null);
  const walk = computed(() => {
    if (!ready.value) return null;
    return untracked(() =>
      createWalk(deriving.content as ReadonlySignal<Content>, {
        at: "end",
        given,
        secret: (through) => secretOf(lab, through),
      }),
    );
  });

  function refresh(): void {
    const wanted = source.peek();
    if (wanted) void deriving.derive(wanted, wanted.kind === "expression" ? values.peek() : {});
  }
  /** Values for the names of the expression: those given, those that there were, or 1 (but for pi and e). */
  function fill(given: Values = {}): void {
    Object.assign(remembered, values.peek(), given);
    values.value = Object.fromEntries(
      names(expression.peek()).map((name) => [name, remembered[name] ?? USUAL[name] ?? 1]),
    );
  }
  function begin(): void {
    const through = walk.peek();
    if (!through) return;
    through.at.value = Infinity;
    through.open.value = null;
    through.view.value = "";
    through.playing.value = false;
  }
  const lab: Lab = {
    kind, expression, code, values, title, back, deriving, walk, tab, source, sourceText, refresh,
    predict: signal(false),
    known: signal<Known>({ content: null, keys: new Set() }),
    choose(wanted, given) {
      batch(() => {
        kind.value = wanted.kind;
        if (wanted.kind === "expression") {
          expression.value = wanted.expression;
          fill(given);
        } else code.value = wanted.code;
        begin();
      });
      refresh();
    },
    setExpression(text) {
      batch(() => {
        kind.value = "expression";
        expression.value = plain(text);
        fill();
      });
      refresh();
    },
    setValue(name, value) {
      values.value = { ...values.peek(), [name]: value };
      refresh();
    },
    show(content, called, from = null, page = "") {
      batch(() => {
        kind.value = "trace";
        title.value = called;
        back.value = page;
        outside.value = from;
        begin();
      });
      deriving.show(content);
    },
    save() {
      if (kind.value === "trace") return null;
      const saved: Saved = kind.value === "expression" ? { e: expression.value, v: values.value } : { c: code.value };
      const through = walk.value;
      if (!through) return saved;
      const at = Number.isFinite(through.at.value) ? through.at.value : null;
      return {
        ...saved, at, by: through.stride.value, open: through.open.value, view: through.view.value, tab: tab.value,
      }; // prettier-ignore
    },
    restore(saved) {
      batch(() => {
        if (typeof saved.c === "string") {
          kind.value = "network";
          code.value = saved.c;
        } else {
          kind.value = "expression";
          expression.value = typeof saved.e === "string" ? plain(saved.e) : "(w*x - y)**2";
          fill(saved.v);
        }
        if (saved.tab) tab.value = saved.tab;
      });
      // The place in the walk, as soon as there is one.
      let first = true;
      const before = deriving.content.peek();
      const stop = effect(() => {
        const through = walk.value;
        if (!through || (deriving.content.value === before && before !== null) || !first) return;
        first = false;
        untracked(() =>
          batch(() => {
            through.stride.value = saved.by === "module" ? "module" : "operation";
            through.at.value = typeof saved.at === "number" ? saved.at : Infinity;
            through.open.value = typeof saved.open === "string" ? saved.open : null;
            through.view.value = typeof saved.view === "string" ? saved.view : "";
            through.playing.value = false;
          }),
        );
        queueMicrotask(() => stop());
      });
      refresh();
    },
  }; // prettier-ignore
  return lab;
}
