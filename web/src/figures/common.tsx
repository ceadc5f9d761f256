/** What the figures share: an answer that is waited for, a walk, a sign, a number. */
import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import { createWalk, type Walk, type WalkOptions } from "../walk/walk";
import type { Answer } from "./answer";

interface AnsweredProps<T> {
  answer: ReadonlySignal<Answer<T>>;
  /** Called once the first answer is there; the signal follows the later ones. */
  children(data: ReadonlySignal<T>): ComponentChildren;
}

/** What is drawn from an answer; while there is none, the place is kept, and a problem is told. */
export function Answered<T>({ answer, children }: AnsweredProps<T>): JSX.Element {
  const { data, error } = answer.value;
  return (
    <>
      {data === undefined ? (
        !error && <p class="waiting soft">{t("Asking the engine …")}</p>
      ) : (
        <Drawn answer={answer}>{children}</Drawn>
      )}
      {error && <Failed error={error} />}
    </>
  );
}

function Drawn<T>({ answer, children }: AnsweredProps<T>): JSX.Element {
  const last = useRef(answer.peek().data as T);
  const data = useComputed(() => (last.current = answer.value.data ?? last.current));
  return <>{children(data)}</>;
}

/** A walk that ends with the component. */
export function useWalk(content: ReadonlySignal<Content>, options?: WalkOptions): Walk {
  const walk = useMemo(() => createWalk(content, options), []);
  useEffect(() => walk.dispose, []);
  return walk;
}

/** The width of an element in pixels, so that charts are drawn with letters of the right size. */
export function useWidth<E extends HTMLElement>(guess = 640): [RefObject<E | null>, number] {
  const element = useRef<E>(null);
  const width = useSignal(guess);
  useLayoutEffect(() => {
    const found = element.current;
    if (!found) return undefined;
    const measure = () => (width.value = found.clientWidth || guess);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(found);
    return () => observer.disconnect();
  }, []);
  return [element, width.value];
}

export const tone = (value: number): "plus" | "minus" | "" => (value > 0 ? "plus" : value < 0 ? "minus" : "");

/** A number with the sign of its direction, which colour alone would not tell. */
export function Signed({ value, digits = 5 }: { value: number; digits?: number }) {
  const mark = value > 0 ? "▲" : value < 0 ? "▼" : "";
  return (
    <bdi dir="ltr" class={`signed ${tone(value)}`}>
      {mark && <span aria-hidden="true">{mark} </span>}
      {number(value, digits)}
    </bdi>
  );
}

export const Num = ({ value, digits = 5 }: { value: number; digits?: number }) => (
  <bdi dir="ltr">{number(value, digits)}</bdi>
);

/** The same numbers as a table, for who cannot see the picture or wants them exactly. */
export function AsTable(props: { head: string[]; rows: (number | string)[][]; caption: string }) {
  return (
    <details class="as-table">
      <summary>{t("The same as a table")}</summary>
      <div class="wide" role="group" aria-label={props.caption} tabIndex={0}>
        <table>
          <caption>{props.caption}</caption>
          <thead>
            <tr>
              {props.head.map((cell) => (
                <th key={cell} scope="col">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {props.rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, j) => (
                  <td key={j} class={typeof cell === "number" ? "n" : undefined}>
                    {typeof cell === "number" ? <Num value={cell} digits={6} /> : <bdi>{cell}</bdi>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
