/** A trace in one file: the bench of the lab without an engine to ask. */

import type { JSX } from "preact";
import { announced } from "../app/announce";
import { ThemeChoice } from "../app/ThemeChoice";
import type { Words } from "../graph/model";
import { say, t } from "../i18n/t";
import { download } from "../lab/png";
import { Bench } from "../walk/Bench";
import { Help } from "../walk/Help";
import { useKeys } from "../walk/keys";
import { told } from "../walk/phrase";
import type { Walk } from "../walk/walk";
import "./single.css";

export function Page({ title, walk }: { title: string; walk: Walk }): JSX.Element {
  useKeys(() => walk);
  const { trace } = walk.model.value;
  return (
    <>
      <header class="single-head">
        <h1>
          <bdi dir="ltr">{title}</bdi>
        </h1>
        <div class="row">
          <ThemeChoice />
          <button onClick={() => download(new Blob([written(walk)], { type: "application/json" }), "trace.json")}>
            {t("Save trace")}
          </button>
          <Help />
        </div>
        <p class="soft">{told(trace.result.said ?? trace.result.sentence)}</p>
      </header>
      <main class="single">
        <Bench walk={walk} />
      </main>
      <div class="unseen" aria-live="polite" aria-atomic="true" data-testid="announced">
        {announced.value}
      </div>
    </>
  );
}

/** The trace as a document, with what the file does not say twice: sentences, and stops where there are no modules. */
function written(walk: Walk): string {
  const { trace, byOperation } = walk.model.value;
  const worded = (stop: Words) => (stop.said ? { ...stop, sentence: say(stop.said) } : stop);
  const strides = trace.module_frames ?? byOperation.map((stop) => ({ ...stop, module: null }));
  return JSON.stringify({ ...trace, frames: trace.frames.map(worded), module_frames: strides.map(worded) });
}
