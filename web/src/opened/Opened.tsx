/** One gradient, opened: its derivation on the graph that ran, step by step, and the largest of its paths. */
import { computed, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { GraphTable } from "../graph/GraphTable";
import { GraphView } from "../graph/GraphView";
import { number, t } from "../i18n/t";
import { openInLab } from "../lab/incoming";
import { Drawer } from "../walk/Drawer";
import { walkKeys } from "../walk/keys";
import { PathList } from "../walk/PathList";
import { StepSentence } from "../walk/StepSentence";
import { Timeline } from "../walk/Timeline";
import { createWalk } from "../walk/walk";
import { told } from "./told";
import type { OpenedAnswer } from "./types";
import "./opened.css";

/** A graph of so many boxes is shown whole. */
const SMALL = 24;

interface Props {
  found: ReadonlySignal<OpenedAnswer | null>;
  /** What the page adds between the sentence and the graph. */
  children?: ComponentChildren;
  /** The hash of the page, to come back to from the lab. */
  back: string;
  close(): void;
}

export function Opened({ found, children, back, close }: Props) {
  // The last one stays while the walk ends, so that nothing is drawn of nothing.
  const content = useMemo(() => computed(() => (found.value as OpenedAnswer).content), []);
  const walk = useMemo(() => createWalk(content, { at: "end" }), []);
  useEffect(() => walk.dispose, []);
  const answer = found.value as OpenedAnswer;
  const here = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    walk.last();
    here.current?.scrollIntoView({ block: "nearest" });
    announce(told(answer.content.trace.result.said ?? answer.content.title));
  }, [answer]);
  const { paths } = answer;
  const small = answer.content.trace.nodes.length <= SMALL;
  return (
    <section class="opened card" ref={here} aria-label={t("A gradient, opened")}>
      <div class="row opened-head">
        <h3>
          <bdi dir="ltr">{told(answer.content.title)}</bdi>
        </h3>
        <button onClick={() => openInLab({ content: answer.content, title: answer.content.title, back })}>
          {t("Open in the lab")}
        </button>
        <button class="quiet" onClick={close}>
          {t("Close")}
        </button>
      </div>
      {children}
      {paths && (
        <details>
          <summary>
            {t("The largest paths: {n, plural, one {there is one path} other {there are {count} in all}}", {
              n: paths.count,
              count: number(paths.count, 3),
            })}
          </summary>
          <PathList answer={paths} />
          <p class="soft">
            {t("Those listed carry {share}% of all magnitudes.", { share: number(100 * paths.share, 3) })}
          </p>
        </details>
      )}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div class="opened-walk" onKeyDown={walkKeys(walk)}>
        <div class={`opened-graph ${small ? "small" : ""}`}>
          <GraphView content={content} walk={walk} compact={small} label={t("The graph of this gradient")} />
        </div>
        <StepSentence walk={walk} />
        <Timeline walk={walk} />
        <Drawer walk={walk} />
        <details>
          <summary>{t("The same as a table")}</summary>
          <GraphTable walk={walk} />
        </details>
      </div>
    </section>
  );
}
