/** The loss, and how far the network comes, from its beginning on. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { number, t } from "../i18n/t";
import { Chart } from "../ui/Chart";
import type { Lab } from "./state";

export function Curves({ lab }: { lab: Lab }) {
  const trials = lab.trials.value;
  const [begun, now] = [trials[0], trials.at(-1)];
  const laps = useComputed(() => ({
    x: lab.trials.value.map((trial) => trial.step),
    y: lab.trials.value.map((trial) => 100 * trial.laps),
  }));
  const whole = useRef(false);
  useEffect(() => {
    const there = (now?.laps ?? 0) >= 0.999;
    if (there && !whole.current) announce(t("It drives whole laps now."));
    whole.current = there;
  }, [now]);
  const loss = lab.loss.value;
  return (
    <div class="two">
      <section class="card" aria-labelledby="steering-laps">
        <h2 id="steering-laps">{t("How far it gets")}</h2>
        <Chart
          label={t("Part of a lap by steps of training")}
          x={laps.value.x}
          ys={[laps.value.y]}
          curves={[{ label: t("% of a lap"), colour: "--plus" }]}
          height={220}
          xLabel={t("steps")}
        />
        {begun && now && (
          <p data-testid="laps">
            {t(
              "Before it learnt: {before}% of a lap. After {n, plural, one {# step} other {# steps}}: {after}%, as a mean of {starts} starts.",
              {
                before: number(100 * begun.laps, 2),
                n: now.step,
                after: number(100 * now.laps, 3),
                starts: now.each.length,
              },
            )}
          </p>
        )}
      </section>
      <section class="card" aria-labelledby="steering-loss">
        <h2 id="steering-loss">{t("The loss")}</h2>
        <Chart
          label={t("The mean squared error of the wheel by steps of training")}
          x={loss.x}
          ys={[loss.y]}
          curves={[{ label: t("mean squared error"), colour: "--plus" }]}
          height={220}
          xLabel={t("steps")}
        />
        <p class="soft">
          {loss.y.length > 0 &&
            t("Now {loss}: the mean of the squared differences between its wheel and the teacher’s.", {
              loss: number(loss.y.at(-1) ?? 0, 3),
            })}
        </p>
      </section>
    </div>
  );
}
