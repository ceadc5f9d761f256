/** A gradient taken apart: every path that it came along, the largest first, which add up to it exactly. */

import type { JSX } from "preact";
import { t } from "../i18n/t";
import { AboutGradient } from "./AboutGradient";
import { PathList, type PathsAnswer } from "./PathList";
import type { Walk } from "./walk";

export const Paths = ({ walk, node }: { walk: Walk; node: number }): JSX.Element => (
  <AboutGradient<PathsAnswer>
    walk={walk}
    node={node}
    question="paths"
    without={t("Its gradient is not computed, so no path leads to it.")}
    shown={(answer) => <PathList answer={answer} />}
  />
);
