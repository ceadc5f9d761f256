/** A graph with its sentence and two buttons, between two frames of its walk. */
import type { ReadonlySignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { Content } from "../engine/types";
import { GraphTable } from "../graph/GraphTable";
import { GraphView } from "../graph/GraphView";
import { t } from "../i18n/t";
import { walkKeys } from "../walk/keys";
import { StepSentence } from "../walk/StepSentence";
import { useWalk } from "./common";

interface Props {
  content: ReadonlySignal<Content>;
  label: string;
  /** The whole walk, or only the way forward. */
  part?: "forward" | "all";
  /** Begin before the first step, as where a class watches; on paper it is complete all the same. */
  fromTheStart?: boolean;
}

export function GraphWalk({ content, label, part = "all", fromTheStart = false }: Props) {
  const { frames } = content.value.trace;
  const end = part === "forward" ? frames.findIndex((frame) => frame.phase === "seed") - 1 : frames.length - 1;
  const walk = useWalk(content, { at: fromTheStart ? 0 : end });
  // Another value may change how many steps there are, as when a unit falls silent.
  useLayoutEffect(() => {
    if (walk.at.peek() > end) walk.go(end);
  }, [end]);
  useLayoutEffect(() => {
    const complete = () => walk.go(end);
    addEventListener("beforeprint", complete);
    return () => removeEventListener("beforeprint", complete);
  }, [walk, end]);
  const at = walk.at.value;
  const step = () => (at >= end ? walk.go(0) : walk.forward());
  const keys = walkKeys({ ...walk, forward: () => at < end && walk.forward(), last: () => walk.go(end), toggle: step });
  return (
    <div class="graph-walk" role="group" aria-label={label} onKeyDown={keys}>
      <GraphView content={content} walk={walk} compact label={label} />
      <StepSentence walk={walk} />
      <div class="row">
        <button onClick={() => walk.back()} disabled={at === 0}>
          {t("verb|Back")}
        </button>
        <button class="main" onClick={step}>
          {at >= end ? t("From the start") : t("verb|Step")}
        </button>
        <span class="soft">
          <bdi dir="ltr">
            {Math.min(at, end) + 1} / {end + 1}
          </bdi>
        </span>
      </div>
      <details class="as-table">
        <summary>{t("The same as a table")}</summary>
        <GraphTable walk={walk} />
      </details>
    </div>
  );
}
