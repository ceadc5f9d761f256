/** A real nudge on the curve of the loss: where the slope says it goes, and where it goes. */
import { useSignal } from "@preact/signals";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, useWidth } from "./common";
import { request } from "./data";
import { GridSlider } from "./grid-slider";
import { Compared } from "./nudged";
import { Chart, Dot, pathOf, plane, type Spot } from "./plane";
import type { Descent, Nudged } from "./types";

const START = (request("nudge", 0).with["values"] as { w: number }).w;

export default function Nudge() {
  const by = useSignal(0.5);
  const answer = useAnswer<Nudged>(by.value ? request("nudge", 0, { by: by.value }) : null);
  const curve = useAnswer<Descent>(request("nudge", 1));
  return (
    <>
      <GridSlider
        figure="nudge"
        path="by"
        fine={0.01}
        rest={0}
        label={t("Drag {name}", { name: "w" })}
        shown={`w = ${number(START + by.value)}`}
        value={by.value}
        onInput={(value) => (by.value = value)}
      />
      <Answered answer={answer}>
        {(nudged) => (
          <>
            <Answered answer={curve}>
              {(line) => <Curve spots={line.value.curve ?? []} nudged={nudged.value} by={by.value} />}
            </Answered>
            <Compared nudged={by.value ? nudged.value : null} />
          </>
        )}
      </Answered>
    </>
  );
}

function Curve({ spots, nudged, by }: { spots: readonly Spot[]; nudged: Nudged; by: number }) {
  const [frame, width] = useWidth<HTMLDivElement>();
  const { before, after, predicted } = nudged;
  const area = plane(width, 240, [0.8, 5.2], [-8, 58]);
  const there: Spot = [START + by, after];
  const promised: Spot = [START + by, before + predicted];
  const reach: Spot[] = [[START, before], promised];
  return (
    <div ref={frame}>
      <Chart
        plane={area}
        xName="w"
        yName={t("loss")}
        label={t("The loss over w, a curve, and its slope at w = {start}: after the nudge the loss is {after}.", {
          start: START,
          after: number(after, 5),
        })}
      >
        <path class="curve" d={pathOf(area, spots)} />
        <path class="tangent" d={pathOf(area, reach)} />
        <line class="gap" x1={area.x(there[0])} x2={area.x(there[0])} y1={area.y(there[1])} y2={area.y(promised[1])} />
        <Dot plane={area} at={[START, before]} kind="start" />
        <Dot plane={area} at={promised} kind="promise" />
        <Dot plane={area} at={there} />
      </Chart>
    </div>
  );
}
