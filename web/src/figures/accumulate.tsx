/** What stands in .grad: backward() adds, zero_grad() clears. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { announce } from "../app/announce";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, Signed } from "./common";
import { request } from "./data";
import { gradient } from "./types";

/** figures.json has the sums of one loss to four. */
const MOST = 4;

interface Line {
  call: string;
  /** How many backward passes stand in .grad after it; 0 where it was cleared. */
  sum: number;
}

const START: Line[] = [
  { call: "loss.backward()", sum: 1 },
  { call: "loss.backward()", sum: 2 },
];

/** The loss added up so many times, as the engine derives it. */
const useSum = (times: number) => useAnswer<Content>(request("accumulate", times - 1));

export default function Accumulate() {
  const lines = useSignal<Line[]>(START);
  const sum = lines.value.at(-1)?.sum ?? 0;
  const answers = [useSum(1), useSum(2), useSum(3), useSum(4)];
  const known = answers[Math.max(0, sum - 1)]!;
  const call = (name: string, next: number) => {
    lines.value = [...lines.value, { call: name, sum: next }].slice(-6);
    announce(
      next === 0
        ? t("cleared: 0")
        : t("{n, plural, one {# backward pass} other {# backward passes}} added up", { n: next }),
    );
  };
  return (
    <Answered answer={known}>
      {() => {
        const shown = (k: number) => (k === 0 ? 0 : gradient(answers[k - 1]!.value.data ?? known.value.data!, "w"));
        return (
          <div class="accumulate">
            <div class="row">
              <button class="main" disabled={sum >= MOST} onClick={() => call("loss.backward()", sum + 1)}>
                <code>loss.backward()</code>
              </button>
              <button onClick={() => call("optimizer.zero_grad()", 0)}>
                <code>optimizer.zero_grad()</code>
              </button>
              <button class="quiet" onClick={() => (lines.value = START)}>
                {t("verb|Start again")}
              </button>
            </div>
            <div class="jar-row">
              <div class="jar" aria-hidden="true">
                {Array.from({ length: sum }, (_, i) => (
                  <i key={i} />
                ))}
              </div>
              <p class="jar-now">
                <code>w.grad</code>{" "}
                <strong data-testid="grad">
                  <Signed value={shown(sum)} />
                </strong>
                <br />
                <span class="soft">
                  {sum === 0
                    ? t("cleared: 0")
                    : t("{n, plural, one {# backward pass} other {# backward passes}} added up", { n: sum })}
                </span>
              </p>
            </div>
            <div class="wide" role="group" aria-label={t("What was called")} tabIndex={0}>
              <table class="calls">
                <thead>
                  <tr>
                    <th scope="col">{t("called")}</th>
                    <th scope="col">
                      <code>w.grad</code>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {lines.value.map((line, i) => (
                    <tr key={i}>
                      <td>
                        <code>{line.call}</code>
                      </td>
                      <td class="n">
                        <bdi dir="ltr">{number(shown(line.sum))}</bdi>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        );
      }}
    </Answered>
  );
}
