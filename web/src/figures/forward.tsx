/** One neuron forward, from its inputs to its loss; one input can be moved. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered } from "./common";
import { request } from "./data";
import { GraphWalk } from "./graph-walk";
import { GridSlider } from "./grid-slider";

export default function Forward() {
  const x2 = useSignal(3);
  const answer = useAnswer<Content>(request("forward", 0, { "values.x2": x2.value }));
  return (
    <div class="beside">
      <GridSlider
        figure="forward"
        path="values.x2"
        fine={0.1}
        label={t("Input {name}", { name: "x2" })}
        shown={`x2 = ${number(x2.value)}`}
        value={x2.value}
        onInput={(value) => (x2.value = value)}
      />
      <Answered answer={answer}>
        {(content) => <GraphWalk content={content} part="forward" label={t("One neuron and its loss, as a graph")} />}
      </Answered>
    </div>
  );
}
