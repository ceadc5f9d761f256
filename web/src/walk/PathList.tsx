/** Paths with their factors, the largest first, and what the rest comes to. */

import type { JSX } from "preact";
import { tone } from "../graph/numbers";
import { number, t, type Message } from "../i18n/t";
import { told } from "./phrase";

export interface Factor {
  value: number | string;
  operation: string;
  formula: string;
  line?: string | null;
}

export interface PathsAnswer {
  gradient: number | string;
  paths: { contribution: number | string; share?: number; factors: Factor[] }[];
  /** What the paths that are not listed add up to, and how many there are of all. */
  rest?: number | string | null;
  count?: number | string | null;
  message?: Message | string | null;
  /** Where no path adds anything, or the gradient is not finite: the first cause. */
  why?: { finding: Message | string; sentence: Message | string; fix: Message | string } | null;
}

const glyph = (value: unknown): string => (tone(value) === "plus" ? "▲ " : tone(value) === "minus" ? "▼ " : "");

export function PathList({ answer }: { answer: PathsAnswer }): JSX.Element {
  const largest = Math.max(...answer.paths.map((path) => Math.abs(Number(path.contribution))), 1e-300);
  // Where all paths are listed, what is left is rounding.
  const others = Number(answer.rest ?? 0) !== 0 && Number(answer.count ?? Infinity) > answer.paths.length;
  return (
    <div data-testid="paths">
      {answer.message ? <p>{told(answer.message)}</p> : null}
      {answer.why ? (
        <>
          <p>
            <strong>{told(answer.why.finding)}</strong>
          </p>
          <p>{t("The first cause: {cause}", { cause: told(answer.why.sentence) })}</p>
          {answer.why.fix ? <p class="soft">{told(answer.why.fix)}</p> : null}
        </>
      ) : null}
      <ol class="paths">
        {answer.paths.map((path, i) => (
          <li key={i}>
            <span
              class={`bar ${tone(path.contribution)}`}
              style={`inline-size: ${(100 * Math.abs(Number(path.contribution))) / largest}%`}
              aria-hidden="true"
            />
            <bdi dir="ltr">
              {path.factors.map((factor, j) => (
                <span key={j} title={`${factor.operation}: ${factor.formula}`}>
                  {j ? " × " : ""}
                  {number(factor.value)}
                </span>
              ))}
              {" = "}
              <b class={tone(path.contribution)}>
                {glyph(path.contribution)}
                {number(path.contribution, 6)}
              </b>
            </bdi>
            <br />
            <bdi dir="ltr" class="soft">
              {path.factors.map((factor) => factor.formula).join(" · ")}
            </bdi>
          </li>
        ))}
      </ol>
      {others ? (
        <p class="soft">{t("All other paths together: {value}.", { value: number(answer.rest ?? 0, 6) })}</p>
      ) : null}
    </div>
  );
}
