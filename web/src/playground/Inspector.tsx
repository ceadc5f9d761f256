/** The weight, bias or unit that is looked at: its value, to be changed; its gradient, to be opened. */
import { useSignal } from "@preact/signals";
import { announce } from "../app/announce";
import { numberOf } from "../i18n/numberOf";
import { number, t } from "../i18n/t";
import type { Playground } from "./model";
import { nameOf } from "./Net";
import { placeOf, type Part } from "./types";

export function Inspector({ ground, side }: { ground: Playground; side: number }) {
  const part = ground.chosen.value;
  const scene = ground.scenes.value[side];
  const now = ground.slow.value[side];
  if (!part || part.side !== side || !scene || !now || part.layer >= scene.sizes.length) {
    return (
      <p class="pg-inspector soft">
        {t("Point at a unit or a weight to see its numbers; click, or press Enter, to open its gradient.")}
      </p>
    );
  }
  const from = part.from ?? "bias";
  const at = placeOf(scene.sizes, part.layer, part.unit, from);
  const value = now.weights[at] ?? 0;
  const gradient = now.gradients[at] ?? 0;
  return (
    <div class="pg-inspector" data-testid={`inspector-${side}`}>
      <b>{nameOf(part, scene)}</b>
      <Value
        key={`${part.layer}.${part.unit}.${part.from}`}
        label={part.from === null ? t("bias") : t("value")}
        value={value}
        onSet={(to) => void ground.weight({ ...part, from }, to)}
      />
      <span>
        {t("gradient")}{" "}
        <b class={`ltr ${gradient < 0 ? "minus" : "plus"}`}>
          {gradient < 0 ? "▼" : gradient > 0 ? "▲" : ""} {number(gradient, 3)}
        </b>
      </span>
      <button onClick={() => void ground.open(part)} data-testid="open-gradient">
        {t("Open its gradient")}
      </button>
      {part.from === null && (
        <button onClick={() => void ground.open({ ...part, from: "bias" } as Part)}>{t("Open its bias")}</button>
      )}
    </div>
  );
}

/** A number that follows training until it is being edited. */
function Value({ label, value, onSet }: { label: string; value: number; onSet(value: number): void }) {
  const draft = useSignal<string | null>(null);
  const done = () => {
    const to = numberOf(draft.value ?? "");
    if (Number.isFinite(to) && Math.abs(to) <= 1e6) {
      onSet(to);
      announce(t("{label} is {value} now", { label, value: number(to) }));
    }
    draft.value = null;
  };
  return (
    <label class="pg-value">
      {label}{" "}
      <input
        class="ltr"
        inputMode="decimal"
        value={draft.value ?? plain(value)}
        data-testid="weight"
        onFocus={(event) => {
          // The same text as was shown, or what is typed at once would go astray.
          draft.value = plain(value);
          event.currentTarget.select();
        }}
        onInput={(event) => (draft.value = event.currentTarget.value)}
        onBlur={() => (draft.value = null)}
        onKeyDown={(event) => {
          if (event.key === "Enter") done();
          else if (event.key === "Escape") draft.value = null;
          else return;
          event.stopPropagation();
        }}
      />
    </label>
  );
}

/** A number as it is typed. */
const plain = (value: number): string => String(Number(value.toPrecision(4)));
