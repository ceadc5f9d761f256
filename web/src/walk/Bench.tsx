/** The graph, what is said of the step, the walk's controls, the card of what is open, and the same as tables. */

import { useComputed, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { GraphTable } from "../graph/GraphTable";
import { GraphView } from "../graph/GraphView";
import { t } from "../i18n/t";
import "./bench.css";
import { Drawer, type DrawerTab, type MoreTab } from "./Drawer";
import { StepSentence } from "./StepSentence";
import { Timeline } from "./Timeline";
import type { Walk } from "./walk";

interface Props {
  walk: Walk;
  /** Whether what is drawn is no longer what was asked for. */
  stale?: ReadonlySignal<boolean>;
  /** What stands below the sentence of the step. */
  told?: ComponentChildren;
  /** What stands beside the tables. */
  under?: ComponentChildren;
  more?: readonly MoreTab[];
  tab?: { value: DrawerTab };
}

export function Bench({ walk, stale, told, under, ...card }: Props): JSX.Element {
  const name = useComputed(() => (stale?.value ? "bench stale" : "bench"));
  return (
    <>
      <div class={name}>
        <div class="stage">
          <GraphView content={walk.content} walk={walk} label={t("Graph of the computation")} />
        </div>
        <div class="told">
          <StepSentence walk={walk} />
          {told}
        </div>
        <div class="controls">
          <Timeline walk={walk} />
        </div>
        <div class="side">
          <Drawer walk={walk} {...card} />
        </div>
      </div>
      <div class="under">
        <GraphTable walk={walk} />
        {under}
      </div>
    </>
  );
}
