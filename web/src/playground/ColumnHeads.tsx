/** Above each layer: how many units it has, one more, one fewer. */
import { t } from "../i18n/t";
import type { Shape } from "./geometry";
import type { Playground } from "./model";

const MOST_UNITS = 16;

export function ColumnHeads({ ground, side, shape }: { ground: Playground; side: number; shape: Shape }) {
  const layers = ground.sides.value[side]?.layers ?? [];
  const set = (i: number, units: number) =>
    ground.change(side, { layers: layers.map((n, k) => (k === i ? units : n)) });
  return (
    <div class="pg-heads">
      {shape.at.map((units, layer) => {
        const x = units[0]?.[0] ?? 0;
        const hidden = layer > 0 && layer < shape.at.length - 1;
        const count = layers[layer - 1] ?? 0;
        return (
          <div key={layer} class="pg-head" style={{ left: `${x}px` }}>
            <span class="soft">{layer === 0 ? t("Given") : hidden ? t("Layer {layer}", { layer }) : t("Output")}</span>
            {hidden && (
              <span class="pg-stepper">
                <button
                  aria-label={t("One unit fewer in layer {layer}", { layer })}
                  disabled={count <= 1}
                  onClick={() => set(layer - 1, count - 1)}
                >
                  −
                </button>
                <b class="ltr">{count}</b>
                <button
                  aria-label={t("One unit more in layer {layer}", { layer })}
                  disabled={count >= MOST_UNITS}
                  onClick={() => set(layer - 1, count + 1)}
                >
                  +
                </button>
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
}
