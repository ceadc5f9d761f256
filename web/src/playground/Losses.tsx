/** The losses over the steps: of one network, or of both. */
import { number, t } from "../i18n/t";
import { Chart, type Curve } from "../ui/Chart";
import type { Playground } from "./model";

export function Losses({ ground, side }: { ground: Playground; side: number }) {
  const now = ground.slow.value[side];
  const history = ground.histories[side]?.peek();
  if (!now || !history) return null;
  const curves: Curve[] = [
    { label: t("training"), colour: "--plus" },
    { label: t("test"), colour: "--minus", dash: [6, 4] },
  ];
  const finite = (list: readonly number[]) => list.map((x) => (Number.isFinite(x) ? x : null));
  return (
    <div role="group" class="pg-losses" aria-label={t("Losses")} data-testid={`losses-${side}`}>
      <div class="row pg-flow-head">
        <h3>{t("Loss")}</h3>
        <span class="pg-legend">
          <span class="plus">
            ━ {t("training")} <b class="ltr">{number(now.train, 3)}</b>
          </span>{" "}
          <span class="minus">
            ╍ {t("test")} <b class="ltr">{number(now.test, 3)}</b>
          </span>
        </span>
      </div>
      <Chart
        label={t("Loss over the steps: {train} in training and {test} in the test now", {
          train: number(now.train, 3),
          test: number(now.test, 3),
        })}
        x={[...history.steps]}
        ys={[finite(history.train), finite(history.test)]}
        curves={curves}
        height={170}
      />
    </div>
  );
}
