/** The loss as it falls, on what is read and on what was held out. */
import { useComputed } from "@preact/signals";
import { number, t } from "../i18n/t";
import { Chart } from "../ui/Chart";
import type { Lab } from "./state";

export function Curves({ lab }: { lab: Lab }) {
  const curves = useComputed(() => {
    const { loss, heldOut, guess } = { loss: lab.loss.value, heldOut: lab.heldOut.value, guess: lab.guess.value };
    const x = [...new Set([0, ...loss.x, ...heldOut.x])].sort((a, b) => a - b);
    // undefined, not null: the chart draws on over places where a curve has no point.
    const on = (curve: { x: number[]; y: number[] }) => {
      const at = new Map(curve.x.map((step, i) => [step, curve.y[i]]));
      return x.map((step) => at.get(step));
    };
    return { x, ys: [on(loss), on(heldOut), x.map(() => guess)] };
  });
  const { x, ys } = curves.value;
  const names = [t("on what it reads"), t("on text held out"), t("pure guessing")];
  return (
    <section class="card" aria-labelledby="words-loss">
      <h2 id="words-loss">{t("The loss")}</h2>
      <Chart
        label={t("The loss after {n} steps is {loss} on text held out; pure guessing gives {guess}.", {
          n: lab.step.value,
          loss: number(lab.latest.value, 3),
          guess: number(lab.guess.value, 3),
        })}
        x={x}
        ys={ys}
        curves={[
          { label: names[0] as string, colour: "--plus" },
          { label: names[1] as string, colour: "--minus", dash: [6, 3] },
          { label: names[2] as string, colour: "--soft", dash: [2, 4] },
        ]}
        height={280}
        xLabel={t("steps")}
      />
      <p class="soft">
        {t(
          "The loss is −ln of the probability of the right symbol, as a mean: now {loss}, so the right symbol gets about {p}%.",
          {
            loss: number(lab.latest.value, 3),
            p: number(100 * Math.exp(-lab.latest.value), 2),
          },
        )}
      </p>
    </section>
  );
}
