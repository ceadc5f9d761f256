/** The number from which everything random is drawn. */
import { useId } from "preact/hooks";
import { t } from "../i18n/t";

const LARGEST = 999_999;

export function Seed({ seed, onChange }: { seed: number; onChange(seed: number): void }) {
  const id = useId();
  return (
    <div class="field">
      <label class="soft" for={id}>
        {t("Seed")}
      </label>
      <input
        id={id}
        type="number"
        min={0}
        max={LARGEST}
        value={seed}
        onChange={(event) => {
          const typed = Math.round(event.currentTarget.valueAsNumber) || 0;
          onChange(Math.min(LARGEST, Math.max(0, typed)));
        }}
      />
    </div>
  );
}
