/** Activation functions with their slopes, and what a stack of three layers can do with each: a line alone never bends. */
import { useSignal } from "@preact/signals";
import { t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, useWidth } from "./common";
import { choices, request } from "./data";
import { activationName } from "./layers";
import { Chart, pathOf, plane, type Spot } from "./plane";
import type { Activation } from "./types";

export default function Activations() {
  const name = useSignal("relu");
  const answer = useAnswer<Activation>(request("activations", 0, { name: name.value }));
  const line = useAnswer<Activation>(request("activations", 0, { name: "linear" }));
  return (
    <>
      <div class="row" role="group" aria-label={t("Activation")}>
        {choices<string>("activations", 0, "name").map((one) => (
          <button key={one} aria-pressed={name.value === one} onClick={() => (name.value = one)}>
            {activationName(one)}
          </button>
        ))}
      </div>
      <Answered answer={answer}>
        {(found) => <Pair found={found.value} line={line.value.data?.stack ?? []} name={activationName(name.value)} />}
      </Answered>
    </>
  );
}

function Pair({ found, line, name }: { found: Activation; line: readonly Spot[]; name: string }) {
  const [frame, width] = useWidth<HTMLDivElement>();
  const each = width > 560 ? Math.floor((width - 16) / 2) : width;
  const values: Spot[] = found.points.map(([x, f]) => [x, f]);
  const slopes: Spot[] = found.points.map(([x, , slope]) => [x, slope]);
  const stack = found.stack ?? [];
  const ends = (spots: readonly Spot[], i: 0 | 1): [number, number] => [
    Math.min(...spots.map((at) => at[i])),
    Math.max(...spots.map((at) => at[i])),
  ];
  const area = plane(each, 220, ends(values, 0), [-1.5, 3]);
  const [low, high] = stack.length ? ends([...stack, ...line], 1) : [0, 1];
  const margin = (high - low) * 0.15 || 1;
  const wide = plane(each, 220, stack.length ? ends(stack, 0) : [0, 1], [low - margin, high + margin]);
  return (
    <div ref={frame} class="pair-charts">
      <figure class="part">
        <Chart
          plane={area}
          xName="x"
          yName=""
          label={t("The activation function {name} and its slope, as curves.", { name })}
        >
          <path class="curve" d={pathOf(area, values)} />
          <path class="slope" d={pathOf(area, slopes)} />
        </Chart>
        <p class="key">
          <span class="key-curve">{t("function")}</span> <span class="key-slope">{t("its slope")}</span>
        </p>
      </figure>
      {stack.length > 0 && (
        <figure class="part">
          <Chart
            plane={wide}
            xName="x"
            yName=""
            label={t("What three layers with {name} make of x, as a curve.", { name })}
          >
            <path class="slope" d={pathOf(wide, line)} />
            <path class="curve" d={pathOf(wide, stack)} />
          </Chart>
          <p class="key">
            <span class="key-curve">{t("three layers with it, one on top of the other")}</span>{" "}
            <span class="key-slope">{t("the same three layers without a bend")}</span>
          </p>
        </figure>
      )}
    </div>
  );
}
