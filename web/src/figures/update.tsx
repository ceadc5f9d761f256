/** The update rule on its curve: with one learning rate it crawls, with another it swings, with a third it flies off. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { motion } from "../app/settings";
import { number, t } from "../i18n/t";
import { told } from "../walk/phrase";
import { useAnswer } from "./answer";
import { Answered, AsTable, useWidth } from "./common";
import { request } from "./data";
import { GridSlider } from "./grid-slider";
import { Chart, Dot, pathOf, plane, type Spot } from "./plane";
import { finite, type Descent, type Point } from "./types";

/** The time that each step is shown for when it runs. */
const PACE = 350;

const spot = ({ w, values, loss }: Point): Spot => [finite(w ?? values?.["w"] ?? "nan"), finite(loss)];

export default function Update() {
  const lr = useSignal(0.1);
  const answer = useAnswer<Descent>(request("update", 0, { lr: lr.value }));
  return (
    <>
      <GridSlider
        figure="update"
        path="lr"
        label={t("Learning rate")}
        value={lr.value}
        onInput={(value) => (lr.value = value)}
      />
      <Answered answer={answer}>{(found) => <Run key={lr.value} descent={found.value} lr={lr.value} />}</Answered>
    </>
  );
}

function Run({ descent, lr }: { descent: Descent; lr: number }) {
  const [frame, width] = useWidth<HTMLDivElement>();
  const last = descent.points.length - 1;
  const shown = useSignal(last);
  const running = useSignal(false);
  useEffect(() => {
    if (!running.value) return undefined;
    const timer = setInterval(() => {
      shown.value = Math.min(last, shown.value + 1);
      if (shown.value === last) running.value = false;
    }, PACE);
    return () => clearInterval(timer);
  }, [running.value]);
  const run = () => {
    if (running.value) {
      running.value = false;
    } else {
      shown.value = motion.value ? 0 : last;
      running.value = motion.value;
    }
  };
  const spots = useComputed(() => descent.points.slice(0, shown.value + 1).map(spot)).value;
  const area = plane(width, 260, [-0.5, 7.5], [-3, 60]);
  const [w, loss] = spots.at(-1) ?? [0, 0];
  return (
    <div ref={frame}>
      <Chart
        plane={area}
        xName="w"
        yName={t("loss")}
        label={t("The loss over w, and {n, plural, one {# step} other {# steps}} of gradient descent on it.", {
          n: last,
        })}
      >
        <path class="curve" d={pathOf(area, descent.curve ?? [])} />
        <path class="descent" d={pathOf(area, clamped(spots))} />
        {clamped(spots).map((at, i) => (
          <circle
            key={i}
            class="descent-dot"
            cx={area.x(at[0])}
            cy={area.y(at[1])}
            r={i === spots.length - 1 ? 0 : 3.5}
          />
        ))}
        <Dot plane={area} at={clamped([[w, loss]])[0] ?? [0, 0]} />
      </Chart>
      <p class="readout">
        <span>
          {t("step")}{" "}
          <strong dir="ltr">
            {number(shown.value)} / {number(last)}
          </strong>
        </span>
        <span>
          <i>w</i> <strong dir="ltr">{number(w, 5)}</strong>
        </span>
        <span>
          {t("loss")} <strong dir="ltr">{number(loss, 5)}</strong>
        </span>
        <button onClick={run}>{running.value ? t("Pause") : t("Run it step by step")}</button>
      </p>
      <p class="verdict-line">{told(descent.verdict)}</p>
      <AsTable
        caption={t("The steps with learning rate {lr}", { lr })}
        head={[t("step"), "w", t("gradient"), t("loss")]}
        rows={descent.points.map((point) => [point.step, spot(point)[0], finite(point.gradient), finite(point.loss)])}
      />
    </div>
  );
}

/** What has flown off is drawn at the edge: beyond it there is nothing to see. */
const clamped = (spots: readonly Spot[]): Spot[] =>
  spots
    .filter(([x, y]) => !Number.isNaN(x) && !Number.isNaN(y))
    .map(([x, y]) => [Math.max(-50, Math.min(60, x)), Math.min(4000, y)]);
