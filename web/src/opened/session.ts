/** A session of the engine that lives as long as its page, and begins anew when its configuration changes. */
import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { EngineError, online, open, type Frame, type SessionHandle } from "../engine/engine";

export interface Session {
  /** What the engine could not do, last. */
  error: Signal<EngineError | null>;
  /** "recovered", "resumed" or "anew" once it was lost, until it is begun with another configuration. */
  news: Signal<string>;
  /** Tell the session something; undefined where it could not be done, which `error` then tells. */
  tell<T>(what: string, given?: object): Promise<T | undefined>;
}

export function useSession(name: string, given: ReadonlySignal<object>, frame: (frame: Frame) => void): Session {
  const error = useSignal<EngineError | null>(null);
  const news = useSignal("");
  const handle = useRef<SessionHandle | null>(null);
  const failed = (problem: unknown) => {
    error.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
    announce(error.value.sentence);
  };
  const config = given.value;
  // In the same turn: what is pressed before the next frame is told to the session that is meant.
  useLayoutEffect(() => {
    // Only looked at: a session outlives a lost connection, and is opened again with the next.
    if (online.peek() === "recorded") return undefined;
    error.value = null;
    news.value = "";
    let begun = false;
    const event = ({ event: what }: { event: string }) => {
      if (what === "recovered" || what === "resumed") news.value = what;
      else if (what === "opened" && begun) news.value = "anew";
      begun ||= what === "opened";
    };
    const opened = open(name, config, { frame, event, error: failed });
    handle.current = opened;
    return () => {
      handle.current = null;
      opened.stop();
    };
  }, [config]);
  return useMemo(
    () => ({
      error,
      news,
      async tell<T>(what: string, more: object = {}) {
        try {
          const answer = await handle.current?.tell<T>(what, more);
          if (answer !== undefined) error.value = null;
          return answer;
        } catch (problem) {
          failed(problem);
          return undefined;
        }
      },
    }),
    [],
  );
}

/** An array of a frame as plain numbers; empty if the frame has none of that name. */
export const numbers = (frame: Frame, name: string): number[] => Array.from(frame.arrays[name]?.data ?? []);

/** Points (n, 2) that continue a curve from its point `from` on. */
export function continued(curve: Curve, frame: Frame, name: string, from: number): Curve {
  const flat = frame.arrays[name]?.data ?? [];
  if (!flat.length && from === curve.x.length) return curve;
  const next: Curve = { x: curve.x.slice(0, from), y: curve.y.slice(0, from) };
  for (let i = 0; i + 1 < flat.length; i += 2) {
    next.x.push(flat[i] as number);
    next.y.push(flat[i + 1] as number);
  }
  return next;
}

export interface Curve {
  x: number[];
  y: number[];
}
