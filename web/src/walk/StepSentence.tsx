/** The sentence of the stop, which changes with every step and is read aloud. */

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { t } from "../i18n/t";
import { phaseName, phrase } from "./phrase";
import { conceals, type Walk } from "./walk";
import "./walk.css";

export function StepSentence({ walk }: { walk: Walk }): JSX.Element {
  const last = useRef<string | undefined>(undefined);
  const hides = conceals(walk);
  const place = `${walk.stride.value} ${walk.pos.value} ${hides}`;
  const said = hides ? t("A number is hidden here: what do you expect?") : phrase(walk.frame.value);
  useLayoutEffect(() => {
    // Said when the walk moves; not when the page opens, nor at each number of a drag.
    if (last.current !== undefined && last.current !== place) announce(said);
    last.current = place;
  }, [place]);
  const { phase } = walk.frame.value;
  return (
    <p class="step-sentence" title={said.length > 300 ? said : undefined}>
      <b class={`phase ${phase === "seed" ? "backward" : phase}`}>{phaseName(phase)}</b> <span>{said}</span>
    </p>
  );
}
