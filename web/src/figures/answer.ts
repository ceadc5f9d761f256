/** What the engine says to a question that changes as the reader drags: the newest counts, the last answer stays. */
import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask, EngineError, online } from "../engine/engine";
import type { Request } from "./data";

export interface Answer<T> {
  data: T | undefined;
  error: EngineError | undefined;
  /** A newer answer is on its way. */
  waiting: boolean;
}

const KEPT = 300;
const known = new Map<string, Promise<unknown>>();

/** Ask once and remember: figures share questions, and sliders come back to the same places. */
export function asked<T>({ ask: name, with: given }: Request): Promise<T> {
  const key = JSON.stringify([name, given]);
  const before = known.get(key);
  if (before) return before as Promise<T>;
  const answer = ask<T>(name, given);
  answer.catch(() => known.delete(key));
  if (known.size >= KEPT) known.delete(known.keys().next().value as string);
  known.set(key, answer);
  return answer;
}

export function useAnswer<T>(request: Request | null): ReadonlySignal<Answer<T>> {
  const state = useSignal<Answer<T>>({ data: undefined, error: undefined, waiting: request !== null });
  const wanted = useRef<Request | null>(null);
  const busy = useRef(false);
  const gone = useRef(false);
  const key = JSON.stringify(request);

  // One question is on its way at a time; what is dragged meanwhile waits, and only the newest is asked.
  const next = async () => {
    if (busy.current) return;
    busy.current = true;
    while (wanted.current && !gone.current) {
      const now = wanted.current;
      wanted.current = null;
      try {
        const data = await asked<T>(now);
        if (!gone.current) state.value = { data, error: undefined, waiting: wanted.current !== null };
      } catch (error) {
        const told = error instanceof EngineError ? error : new EngineError("internal", String(error));
        if (!gone.current) state.value = { data: state.value.data, error: told, waiting: wanted.current !== null };
      }
    }
    busy.current = false;
  };
  useEffect(() => {
    if (!request) return;
    wanted.current = request;
    state.value = { ...state.value, waiting: true };
    void next();
  }, [key]);
  // When the engine is back, what failed meanwhile is asked again.
  const here = online.value === "on";
  useEffect(() => {
    if (here && request && state.value.error && state.value.error.kind !== "input") {
      wanted.current = request;
      void next();
    }
  }, [here]);
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
    };
  }, []);
  return state;
}

/** Of an answer, what it holds: for a computed that wants data only. */
export const useData = <T>(answer: ReadonlySignal<Answer<T>>): ReadonlySignal<T | undefined> =>
  useComputed(() => answer.value.data);
