/** What is built and how it is trained: one network's own settings. */
import { number, t } from "../i18n/t";
import { Choice } from "../ui/Choice";
import { Steps } from "../ui/Slider";
import type { Playground } from "./model";
import {
  ACTIVATIONS,
  CLASS_LOSSES,
  FEATURES,
  OPTIMISERS,
  options,
  PENALTIES,
  QUANTITY_LOSSES,
  RATES,
  SPREADS,
  STARTS,
  STRENGTHS,
} from "./names";
import type { Config } from "./types";

const MOST_LAYERS = 6;

export function Settings({ ground, side }: { ground: Playground; side: number }) {
  const config = ground.sides.value[side];
  if (!config) return null;
  const set = (more: Partial<Config>) => ground.change(side, more);
  const quantity = ground.scenes.value[side]?.quantity ?? false;
  const losses = quantity ? QUANTITY_LOSSES : CLASS_LOSSES;
  const loss = config.loss in losses ? config.loss : "squared";
  const { layers } = config;
  return (
    <div class="pg-settings">
      <fieldset class="pg-features">
        <legend>{t("Features")}</legend>
        {FEATURES.map((name) => (
          <label key={name} class="tick">
            <input
              type="checkbox"
              checked={config.features.includes(name)}
              disabled={config.features.length === 1 && config.features.includes(name)}
              onChange={(event) => {
                const on = event.currentTarget.checked;
                set({ features: FEATURES.filter((one) => (one === name ? on : config.features.includes(one))) });
              }}
            />
            <span class="ltr">{name}</span>
          </label>
        ))}
      </fieldset>
      <div class="pg-choices">
        <div class="field">
          <span>{t("Hidden layers")}</span>
          <span class="pg-stepper wide" data-testid={`layers-${side}`}>
            <button
              aria-label={t("One layer fewer")}
              disabled={layers.length === 0}
              onClick={() => set({ layers: layers.slice(0, -1) })}
            >
              −
            </button>
            <b class="ltr">{layers.length}</b>
            <button
              aria-label={t("One layer more")}
              disabled={layers.length >= MOST_LAYERS}
              onClick={() => set({ layers: [...layers, layers.at(-1) ?? 4] })}
            >
              +
            </button>
          </span>
        </div>
        <Choice
          label={t("Activation")}
          value={config.activation}
          options={options(ACTIVATIONS)}
          onChange={(activation) => set({ activation })}
        />
        <Choice label={t("Loss")} value={loss} options={options(losses)} onChange={(value) => set({ loss: value })} />
        <Choice
          label={t("Optimiser")}
          value={config.optimiser}
          options={options(OPTIMISERS)}
          onChange={(optimiser) => set({ optimiser })}
        />
        <Steps
          label={t("Learning rate")}
          value={config.rate}
          values={RATES}
          shown={number(config.rate)}
          onInput={(rate) => set({ rate })}
        />
        <Choice
          label={t("Penalty on weights")}
          value={config.penalty}
          options={options(PENALTIES)}
          onChange={(penalty) => set({ penalty })}
        />
        {config.penalty !== "none" && (
          <Steps
            label={t("Strength of the penalty")}
            value={config.strength}
            values={STRENGTHS}
            shown={number(config.strength)}
            onInput={(strength) => set({ strength })}
          />
        )}
        <Choice
          label={t("Weights at the start")}
          value={config.start}
          options={options(STARTS)}
          onChange={(start) => set({ start })}
        />
        <Steps
          label={t("Times this at the start")}
          value={config.spread}
          values={SPREADS}
          shown={`× ${number(config.spread)}`}
          onInput={(spread) => set({ spread })}
        />
      </div>
    </div>
  );
}
