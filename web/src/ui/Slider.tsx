/** A value to be dragged, with its name and its number. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: ComponentChildren;
  value: number;
  min: number;
  max: number;
  step?: number | "any";
  /** What is shown for the value, and read aloud. */
  shown?: string;
  onInput(value: number): void;
  disabled?: boolean;
}

export function Slider({ label, value, min, max, step = "any", shown, onInput, disabled }: Props) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id} class="ltr">
        {shown ?? value}
      </output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        disabled={disabled}
        aria-valuetext={shown}
        onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

/** A slider over a list of allowed values. */
export function Steps(
  props: Omit<Props, "min" | "max" | "step" | "onInput"> & { values: readonly number[]; onInput(value: number): void },
) {
  const { values, value, onInput, ...rest } = props;
  const at = values.reduce(
    (best, one, i) => (Math.abs(one - value) < Math.abs((values[best] ?? 0) - value) ? i : best),
    0,
  );
  return (
    <Slider
      {...rest}
      value={at}
      min={0}
      max={values.length - 1}
      step={1}
      shown={rest.shown ?? String(value)}
      onInput={(i) => onInput(values[i] ?? value)}
    />
  );
}
