/** The points: which set, how many, how noisy, how many kept for testing; or the learner's own. */
import { number, say, t } from "../i18n/t";
import { Slider, Steps } from "../ui/Slider";
import type { Playground } from "./model";
import { BATCHES, COUNTS, DATA, percent } from "./names";
import { OwnTable } from "./OwnTable";
import { brush, MOST_DRAWN } from "./drawing";
import { Thumb } from "./Thumb";
import type { Config } from "./types";

export function Data({ ground }: { ground: Playground }) {
  const config = ground.sides.value[0];
  if (!config) return null;
  const set = (more: Partial<Config>) => ground.change(0, more);
  const made = config.data !== "drawn" && config.data !== "table";
  return (
    <section class="pg-data card" aria-label={t("Data")}>
      <h2>{t("Data")}</h2>
      <fieldset class="pg-sets">
        <legend class="unseen">{t("Which points")}</legend>
        {Object.entries(DATA).map(([id, name]) => (
          <label key={id} class="pg-set" title={name()}>
            <input type="radio" name="pg-data" checked={config.data === id} onChange={() => set({ data: id })} />
            <Thumb of={id} />
            <span>{name()}</span>
          </label>
        ))}
      </fieldset>
      {config.data === "drawn" && <Brushes ground={ground} config={config} />}
      {config.data === "table" && <OwnTable ground={ground} config={config} />}
      {(ground.scenes.value[0]?.notes ?? []).map((note, i) => (
        <p key={i} class="soft">
          {say(note)}
        </p>
      ))}
      {made && (
        <>
          <Slider
            label={t("Noise")}
            value={config.noise}
            min={0}
            max={1}
            step={0.05}
            shown={percent(config.noise)}
            onInput={(noise) => set({ noise })}
          />
          <Steps
            label={t("Points")}
            value={config.count}
            values={COUNTS}
            shown={number(config.count)}
            onInput={(count) => set({ count })}
          />
        </>
      )}
      <Slider
        label={t("Kept for testing")}
        value={config.held}
        min={0.1}
        max={0.9}
        step={0.05}
        shown={percent(config.held)}
        onInput={(held) => set({ held })}
      />
      <Steps
        label={t("Batch size")}
        value={config.batch}
        values={BATCHES}
        shown={number(config.batch)}
        onInput={(size) => set({ batch: size })}
      />
      <div class="field">
        <label for="pg-seed">{t("Seed: which points, weights and order")}</label>
        <span class="row">
          <input
            id="pg-seed"
            class="ltr"
            type="number"
            min={0}
            max={1000000}
            value={config.seed}
            onChange={(event) => {
              const seed = event.currentTarget.valueAsNumber;
              if (Number.isInteger(seed) && seed >= 0 && seed <= 1_000_000) set({ seed });
            }}
          />
          <button onClick={() => set({ seed: (config.seed + 1) % 1_000_001 })}>{t("Next seed")}</button>
        </span>
      </div>
    </section>
  );
}

function Brushes({ ground, config }: { ground: Playground; config: Config }) {
  const kinds = [
    { value: 1 as const, label: t("class 1"), mark: <i class="circle" /> },
    { value: 0 as const, label: t("class 0"), mark: <i class="square" /> },
    { value: "erase" as const, label: t("Rub out"), mark: "⌫" },
  ];
  return (
    <div class="pg-brushes">
      <div class="row" role="group" aria-label={t("What a click on the map sets")}>
        {kinds.map(({ value, label, mark }) => (
          <button key={value} aria-pressed={brush.value === value} onClick={() => (brush.value = value)}>
            {mark} {label}
          </button>
        ))}
        <button onClick={() => ground.change(0, { drawn: [] })} disabled={config.drawn.length === 0}>
          {t("Clear")}
        </button>
      </div>
      <p class="soft" data-testid="drawn">
        {t(
          "{n, plural, one {# point} other {# points}} drawn on the map, of {most} at most. Two classes and four points are the fewest.",
          {
            n: config.drawn.length,
            most: MOST_DRAWN,
          },
        )}
      </p>
    </div>
  );
}
