/** How much gradient reaches each layer, live, by orders of magnitude; and in a sentence. */
import { useSignal } from "@preact/signals";
import { number, say, t } from "../i18n/t";
import { Chart } from "../ui/Chart";
import type { Playground } from "./model";
import { exponent, FAINTEST, LARGEST } from "./paint";

const MARKS = [-8, -6, -4, -2, 0, 2].filter((e) => e >= FAINTEST && e <= LARGEST);
/** A layer's curve: the first and the last have a colour of their own, and each its dashes. */
const tone = (i: number, last: number) => (i === last ? "--minus" : i === 0 ? "--plus" : "--soft");
const DASHES: (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [9, 3, 2, 3], [4, 6], [1, 5], [12, 4]];

export function Flow({ ground, side }: { ground: Playground; side: number }) {
  const over = useSignal(false);
  const now = ground.slow.value[side];
  if (!now) return null;
  const last = now.norms.length - 1;
  const layerName = (i: number) => (i === last ? t("Output") : t("Layer {layer}", { layer: i + 1 }));
  const history = ground.histories[side]?.peek();
  return (
    <div role="group" class="pg-flow" aria-label={t("Gradient flow")} data-flow={now.flow} data-testid={`flow-${side}`}>
      <div class="row pg-flow-head">
        <h3>{t("Gradient flow")}</h3>
        <button class="quiet" aria-pressed={over.value} onClick={() => (over.value = !over.value)}>
          {over.value ? t("Now") : t("Over the steps")}
        </button>
      </div>
      {over.value && history ? (
        <>
          <Chart
            label={t("The norm of each layer's gradient over the steps, on a logarithmic scale")}
            x={[...history.steps]}
            ys={history.norms.map((norms) => norms.map((x) => (x > 0 && Number.isFinite(x) ? x : null)))}
            curves={now.norms.map((_, i) => ({
              label: layerName(i),
              colour: tone(i, last),
              dash: DASHES[i],
            }))}
            log
            height={170}
          />
          <ul class="pg-layers">
            {now.norms.map((_, i) => (
              <li key={i}>
                <svg viewBox="0 0 34 12" aria-hidden="true">
                  <path d="M0 6h34" stroke={`var(${tone(i, last)})`} stroke-dasharray={DASHES[i]?.join(" ")} />
                </svg>{" "}
                {layerName(i)}
              </li>
            ))}
          </ul>
        </>
      ) : (
        <div
          class="pg-bars ltr"
          style={{ gridTemplateColumns: `2.75rem repeat(${now.norms.length}, minmax(2rem, 1fr))` }}
        >
          <div class="pg-scale" aria-hidden="true">
            {MARKS.map((e) => (
              <span key={e} style={{ bottom: `${exponent(10 ** e) * 100}%` }}>
                10<sup>{e < 0 ? `−${-e}` : e}</sup>
              </span>
            ))}
          </div>
          {now.norms.map((norm, i) => (
            <div
              key={i}
              class="pg-bar"
              role="img"
              aria-label={t("{layer}: gradient {norm}", { layer: layerName(i), norm: number(norm, 2) })}
            >
              <div class="pg-well">
                <div class="pg-fill" style={{ height: `${exponent(norm) * 100}%` }} data-faint={exponent(norm) < 0.3} />
              </div>
              <b>{number(norm, 2)}</b>
              <span class="soft">{layerName(i)}</span>
            </div>
          ))}
        </div>
      )}
      <p class="pg-verdict" data-kind={now.flow}>
        <b aria-hidden="true">{now.flow === "sound" ? "✓" : "!"}</b> {say(now.verdict)}
      </p>
    </div>
  );
}
