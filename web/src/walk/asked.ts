/** Ask the engine about the box that is open; a later question takes the place of an earlier. */

import { signal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ask, EngineError } from "../engine/engine";

export interface Asked<T> {
  answer: Signal<T | null>;
  error: Signal<EngineError | null>;
  busy: Signal<boolean>;
  ask(name: string, given: object): Promise<void>;
}

export function useAsked<T>(): Asked<T> {
  return useMemo(() => {
    const answer = signal<T | null>(null);
    const error = signal<EngineError | null>(null);
    const busy = signal(false);
    let latest = 0;
    return {
      answer,
      error,
      busy,
      async ask(name, given) {
        const mine = ++latest;
        busy.value = true;
        try {
          const found = await ask<T>(name, given);
          if (mine !== latest) return;
          answer.value = found;
          error.value = null;
        } catch (problem) {
          if (mine !== latest) return;
          answer.value = null;
          error.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
        } finally {
          if (mine === latest) busy.value = false;
        }
      },
    };
  }, []);
}
