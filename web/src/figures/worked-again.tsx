/** The walk through the worked example with everything open: the card beside the graph, the timeline, the table. */
import type { ReadonlySignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { GraphTable } from "../graph/GraphTable";
import { GraphView } from "../graph/GraphView";
import { t } from "../i18n/t";
import { Drawer } from "../walk/Drawer";
import { walkKeys } from "../walk/keys";
import { StepSentence } from "../walk/StepSentence";
import { Timeline } from "../walk/Timeline";
import { useWalk } from "./common";

export function Again({ content, at = "end" }: { content: ReadonlySignal<Content>; at?: "end" | number }) {
  const walk = useWalk(content, { at });
  return (
    <div class="again" role="group" aria-label={t("A walk through the graph")} onKeyDown={walkKeys(walk)}>
      <div class="again-graph">
        <GraphView content={content} walk={walk} compact />
        <StepSentence walk={walk} />
        <Timeline walk={walk} compact />
      </div>
      <div class="again-card">
        <Drawer walk={walk} tabs={["words", "numbers", "formula"]} />
      </div>
      <details class="as-table">
        <summary>{t("The same as a table")}</summary>
        <GraphTable walk={walk} />
      </details>
    </div>
  );
}
