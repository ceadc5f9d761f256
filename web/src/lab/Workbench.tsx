/** The graph, what is said of the step, the walk's controls, the card of what is open, and the same as tables. */

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { GraphTable } from "../graph/GraphTable";
import { GraphView } from "../graph/GraphView";
import { t } from "../i18n/t";
import { Drawer } from "../walk/Drawer";
import { StepSentence } from "../walk/StepSentence";
import { Timeline } from "../walk/Timeline";
import type { Walk } from "../walk/walk";
import { Predict } from "./Predict";
import type { Lab } from "./state";

export function Workbench({ lab, walk }: { lab: Lab; walk: Walk }): JSX.Element {
  const stale = useComputed(() => (lab.deriving.error.value && lab.kind.value !== "trace" ? "bench stale" : "bench"));
  return (
    <>
      <div class={stale}>
        <div class="stage">
          <GraphView content={walk.content} walk={walk} label={t("Graph of the computation")} />
        </div>
        <div class="told">
          <StepSentence walk={walk} />
          <Predict lab={lab} walk={walk} />
        </div>
        <div class="controls">
          <Timeline walk={walk} />
        </div>
        <div class="side">
          <Drawer walk={walk} tab={lab.tab} />
        </div>
      </div>
      <div class="under">
        <GraphTable walk={walk} />
        <Trip lab={lab} />
      </div>
    </>
  );
}

/** How long the engine took, in the middle of the last times. */
function Trip({ lab }: { lab: Lab }): JSX.Element | null {
  const times = [...lab.deriving.trips.value].sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)];
  if (middle === undefined || lab.kind.value === "trace") return null;
  return (
    <p class="soft trip" data-trip={middle.toFixed(1)}>
      {t("computed by the engine in {n} ms", { n: Math.max(1, Math.round(middle)) })}
    </p>
  );
}
