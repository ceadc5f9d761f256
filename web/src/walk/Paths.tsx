/** A gradient taken apart: every path that it came along, the largest first, which add up to it exactly. */

import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../i18n/t";
import { useAsked } from "./asked";
import { useEntry } from "./Check";
import { PathList, type PathsAnswer } from "./PathList";
import type { Walk } from "./walk";
import { Failed } from "../ui/Problem";

export function Paths({ walk, node }: { walk: Walk; node: number }): JSX.Element {
  const asked = useAsked<PathsAnswer>();
  const found = walk.model.value.nodes[node]!;
  const entry = useEntry(found.shape);
  useSignalEffect(() => {
    const given = walk.given.value;
    const about = walk.model.value.nodes[node];
    if (given && about?.gradient && !walk.secrets.value.has(`g:${about.name}`)) {
      void asked.ask("paths", { ...given, name: about.name, ...(entry.at.value ? { entry: entry.at.value } : {}) });
    }
  });
  if (!walk.given.value)
    return <p class="soft">{t("A trace from a file cannot be computed again: open what it was made from.")}</p>;
  if (!found.gradient) return <p class="soft">{t("Its gradient is not computed, so no path leads to it.")}</p>;
  if (walk.secrets.value.has(`g:${found.name}`)) return <p class="soft">{t("Hidden, to be guessed first.")}</p>;
  return (
    <>
      {entry.field}
      {asked.error.value ? <Failed error={asked.error.value} /> : null}
      {asked.answer.value ? (
        <PathList answer={asked.answer.value} />
      ) : asked.busy.value ? (
        <p class="soft">{t("Computing …")}</p>
      ) : null}
    </>
  );
}
