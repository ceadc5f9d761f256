/** A real stack of layers: turn depth, activation and initial scale, and see what arrives at the first layer. */
import { useSignal } from "@preact/signals";
import { number, t } from "../i18n/t";
import { told } from "../walk/phrase";
import { Choice } from "../ui/Choice";
import { useAnswer } from "./answer";
import { Answered, AsTable } from "./common";
import { choices, request } from "./data";
import { GridSlider } from "./grid-slider";
import { activationName, Ends, headOf, Layers, rowsOf } from "./layers";
import type { Flow as Found } from "./types";

export default function Flow() {
  const set = useSignal({ depth: 10, activation: "sigmoid", gain: 1 });
  const { depth, activation, gain } = set.value;
  const answer = useAnswer<Found>(request("flow", 0, set.value));
  return (
    <>
      <div class="controls">
        <GridSlider
          figure="flow"
          path="depth"
          label={t("Depth")}
          shown={t("{n, plural, one {# layer} other {# layers}}", { n: depth })}
          value={depth}
          onInput={(value) => (set.value = { ...set.value, depth: value })}
        />
        <Choice
          label={t("Activation")}
          value={activation}
          options={choices<string>("flow", 0, "activation").map((name) => ({
            value: name,
            label: activationName(name),
          }))}
          onChange={(value) => (set.value = { ...set.value, activation: value })}
        />
        <GridSlider
          figure="flow"
          path="gain"
          label={t("Scale of the first weights")}
          shown={`× ${number(gain)}`}
          value={gain}
          onInput={(value) => (set.value = { ...set.value, gain: value })}
        />
      </div>
      <Answered answer={answer}>
        {(flow) => (
          <>
            <Layers
              flow={flow.value}
              label={t("The size of the gradient at each of {n, plural, one {# layer} other {# layers}}, as bars.", {
                n: depth,
              })}
            />
            <Ends flow={flow.value} />
            <p class="verdict-line" role="status">
              {told(flow.value.verdict)}
            </p>
            <AsTable caption={t("The gradient at each layer")} head={headOf()} rows={rowsOf(flow.value)} />
          </>
        )}
      </Answered>
    </>
  );
}
