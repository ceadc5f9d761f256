/** A slider over what a question may vary: every value where there is an engine, the recorded ones where there is none. */
import type { ComponentChildren } from "preact";
import { online } from "../engine/engine";
import { number } from "../i18n/t";
import { Slider, Steps } from "../ui/Slider";
import { choices } from "./data";

interface Props {
  figure: string;
  index?: number;
  path: string;
  label: ComponentChildren;
  value: number;
  /** How fine it is with an engine; without it, the values of figures.json are all there are. */
  fine?: number;
  /** A place on the slider that nothing is asked for: no nudge at all. */
  rest?: number;
  shown?: string;
  onInput(value: number): void;
}

export function GridSlider({ figure, index = 0, path, label, value, fine, rest, shown, onInput }: Props) {
  const asked = choices(figure, index, path);
  const grid = rest === undefined ? asked : [...asked, rest].sort((a, b) => a - b);
  const props = { label, value, shown: shown ?? number(value, 4), onInput };
  if (fine === undefined || online.value === "recorded") return <Steps {...props} values={grid} />;
  const round = (wanted: number) => onInput(Number(wanted.toFixed(6)));
  return <Slider {...props} min={grid[0] ?? 0} max={grid.at(-1) ?? 0} step={fine} onInput={round} />;
}
