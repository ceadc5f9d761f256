/** The squared error as the prediction moves along its curve, with the slope where it stands. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, AsTable, Signed, useWidth } from "./common";
import { request } from "./data";
import type { FigureProps } from "./figure";
import { GridSlider } from "./grid-slider";
import { Chart, Dot, pathOf, plane, type Range, type Spot } from "./plane";
import { gradient, value, type Descent } from "./types";

export default function Loss({ document }: FigureProps) {
  // The slides go on with their own neuron, which says 2.1 where 4 is right.
  const index = document === "slides" ? 2 : 0;
  const given = request("loss", index).with["values"] as { p: number; y: number };
  const p = useSignal(given.p);
  const answer = useAnswer<Content>(request("loss", index, { "values.p": p.value }));
  const curve = useAnswer<Descent>(request("loss", index + 1));
  return (
    <>
      <GridSlider
        figure="loss"
        index={index}
        path="values.p"
        fine={0.05}
        label={t("Prediction")}
        shown={`ŷ = ${number(p.value)}`}
        value={p.value}
        onInput={(moved) => (p.value = moved)}
      />
      <Answered answer={answer}>
        {(content) => (
          <Answered answer={curve}>
            {(line) => <Drawn content={content.value} spots={line.value.curve ?? []} p={p.value} y={given.y} />}
          </Answered>
        )}
      </Answered>
    </>
  );
}

function Drawn({ content, spots, p, y }: { content: Content; spots: readonly Spot[]; p: number; y: number }) {
  const [frame, width] = useWidth<HTMLDivElement>();
  const loss = value(content, "L");
  const slope = gradient(content, "p");
  const xs: Range = [0, 2 * y];
  const area = plane(width, 230, xs, [0, y * y]);
  const at: Spot = [value(content, "p"), loss];
  const reach = (xs[1] - xs[0]) / 7;
  return (
    <div ref={frame}>
      <Chart
        plane={area}
        xName={t("prediction")}
        yName={t("loss")}
        label={t(
          "The loss is a parabola over the prediction with its lowest point at the target. At {p} it is {loss}.",
          {
            p: number(p),
            loss: number(loss),
          },
        )}
      >
        <path class="curve" d={pathOf(area, spots)} />
        <path
          class="tangent"
          d={pathOf(
            area,
            [-1, 1].map((side) => [at[0] + side * reach, loss + side * reach * slope]),
          )}
        />
        <line class="target" x1={area.x(y)} x2={area.x(y)} y1={area.top} y2={area.bottom} />
        <text x={area.x(y) + 5} y={area.top + 14} class="soft">
          {t("target")}
        </text>
        <Dot plane={area} at={at} />
      </Chart>
      <p class="readout">
        <span>
          {t("loss")} <strong dir="ltr">{number(loss, 5)}</strong>
        </span>
        <span>
          {t("slope")} <Signed value={slope} />
        </span>
      </p>
      <AsTable
        caption={t("The loss for each prediction")}
        head={[t("prediction"), t("loss")]}
        rows={thinned(spots).map(([x, l]) => [x, l])}
      />
    </div>
  );
}

/** A few of many points: enough for a table. */
export const thinned = (spots: readonly Spot[], most = 13): readonly Spot[] =>
  spots.filter((_, i) => i % Math.max(1, Math.ceil(spots.length / most)) === 0);
