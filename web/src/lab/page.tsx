/** The lab: type an expression or paste a network, walk through it forward and back, open any number. */

import { signal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { note, place } from "../app/router";
import { online } from "../engine/engine";
import { t } from "../i18n/t";
import { Failed, Problem } from "../ui/Problem";
import { useKeys } from "../walk/keys";
import { incoming } from "./incoming";
import "./lab.css";
import { damaged, read, write } from "./links";
import { SourceBar } from "./SourceBar";
import { createLab, type Lab } from "./state";
import { Values } from "./Values";
import { Workbench } from "./Workbench";

/** Kept when one goes to another page and comes back. */
const lab = createLab();

export default function Page(): JSX.Element {
  useLinks(lab);
  useKeys(() => lab.walk.peek(), {
    h: () => (lab.predict.value = !lab.predict.peek()),
    g: () => (lab.tab.value = "check"),
  });
  const walk = lab.walk.value;
  const wrong = lab.deriving.error.value;
  return (
    <div class="lab" data-ready={walk ? "1" : "0"}>
      <h1 class="unseen">{t("Lab")}</h1>
      <Damaged />
      <SourceBar lab={lab} />
      <Values lab={lab} />
      {walk ? (
        <Workbench lab={lab} walk={walk} />
      ) : wrong ? (
        lab.kind.value === "trace" ? (
          <Failed error={wrong} />
        ) : null
      ) : (
        <p class="soft waiting" role="status">
          {online.value === "on" ? t("Computing …") : t("Waiting for the engine …")}
        </p>
      )}
    </div>
  );
}

/** What stood there when a link was followed that cannot be read. */
const instead = signal<string | null>(null);

function Damaged(): JSX.Element | null {
  if (instead.value === null || instead.value !== lab.sourceText.value) return null;
  return (
    <Problem
      sentence={t("This link is damaged: what it was to open cannot be read.")}
      fix={t("Opened instead: {what}. Ask for the whole link again.", { what: instead.value.split("\n")[0] ?? "" })}
    />
  );
}

const PAUSE = 400;
let written = "";

/** What a link or another page asks for is opened; what one does is written into the link. */
function useLinks(state: Lab): void {
  const found = incoming.value;
  // (Not after the next frame: what is done by then would be undone.)
  useLayoutEffect(() => {
    if (!found) return;
    incoming.value = null;
    state.show(found.content, found.title ?? found.content.title, found.given ?? null, found.back);
  }, [found]);
  useLayoutEffect(() => {
    const { page, parameters } = place.value;
    if (page !== "lab" || location.hash === written) return;
    const asked = read(parameters);
    instead.value = damaged(parameters) ? state.sourceText.peek() : null;
    if (asked) state.restore(asked);
    else if (!state.walk.peek() && !found) state.refresh();
  }, [place.value]);
  useSignalEffect(() => {
    const saved = state.save();
    if (!saved) return undefined;
    const timer = setTimeout(() => {
      if (place.peek().page !== "lab") return;
      written = write(saved);
      note(written);
    }, PAUSE);
    return () => clearTimeout(timer);
  });
  useEffect(
    () => () => {
      const walk = state.walk.peek();
      if (walk) walk.playing.value = false;
    },
    [],
  );
}
