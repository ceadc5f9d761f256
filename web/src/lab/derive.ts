/** What the lab draws, asked of the engine: at most one question is on its way, and the newest wins. */

import { batch, signal, type Signal } from "@preact/signals";
import { ask, EngineError } from "../engine/engine";
import type { Content, Nested } from "../engine/types";

export type Source = { kind: "expression"; expression: string } | { kind: "network"; code: string };
export type Values = Record<string, Nested>;

export interface Deriving {
  content: Signal<Content | null>;
  error: Signal<EngineError | null>;
  busy: Signal<boolean>;
  /** Milliseconds from a question to its answer, the latest last. */
  trips: Signal<number[]>;
  /** Ask for this, now or as soon as the last answer is there. */
  derive(source: Source, values: Values): Promise<void>;
  /** Show what came from elsewhere; what is on its way is forgotten. */
  show(content: Content): void;
}

type Asking = (name: string, given: object) => Promise<Content>;

export function createDeriving(engine: Asking = ask): Deriving {
  const content = signal<Content | null>(null);
  const error = signal<EngineError | null>(null);
  const busy = signal(false);
  const trips = signal<number[]>([]);
  let next: { source: Source; values: Values } | null = null;
  let running: Promise<void> | null = null;
  let era = 0;

  async function run(): Promise<void> {
    busy.value = true;
    while (next) {
      const { source, values } = next;
      next = null;
      const mine = era;
      const begun = performance.now();
      try {
        const found =
          source.kind === "expression"
            ? await engine("derive", { expression: source.expression, values })
            : await engine("network", { code: source.code, values });
        if (mine !== era) continue;
        batch(() => {
          content.value = source.kind === "network" ? { ...found, code: source.code } : found;
          error.value = null;
          trips.value = [...trips.value.slice(-99), performance.now() - begun];
        });
      } catch (problem) {
        if (mine !== era) continue;
        // What was there stays, beside the sentence that says what is wrong.
        error.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
      }
    }
    busy.value = false;
    running = null;
  }
  return {
    content,
    error,
    busy,
    trips,
    derive(source, values) {
      next = { source, values };
      running ??= run();
      return running;
    },
    show(found) {
      era += 1;
      next = null;
      batch(() => {
        content.value = found;
        error.value = null;
      });
    },
  };
}
