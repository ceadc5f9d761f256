/** The bench of the walk, with what only the lab has: numbers to be predicted, and an engine to be asked. */

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../i18n/t";
import { Bench } from "../walk/Bench";
import { Check } from "../walk/Check";
import type { MoreTab } from "../walk/Drawer";
import { Paths } from "../walk/Paths";
import type { Walk } from "../walk/walk";
import { Predict } from "./Predict";
import type { Lab } from "./state";

const ASKING: readonly MoreTab[] = [
  { key: "check", label: () => t("Check"), panel: Check },
  { key: "paths", label: () => t("Paths"), panel: Paths },
];

export function Workbench({ lab, walk }: { lab: Lab; walk: Walk }): JSX.Element {
  const stale = useComputed(() => lab.deriving.error.value !== null && lab.kind.value !== "trace");
  return (
    <Bench
      walk={walk}
      stale={stale}
      told={<Predict lab={lab} walk={walk} />}
      more={ASKING}
      tab={lab.tab}
      under={<Trip lab={lab} />}
    />
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
