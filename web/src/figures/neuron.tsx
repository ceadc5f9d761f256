/** The slides' neuron ŷ = w·x + b: forward alone on one slide; on another all the way back, then one step downhill. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, Num } from "./common";
import { request } from "./data";
import type { FigureProps } from "./figure";
import { GraphWalk } from "./graph-walk";
import { GridSlider } from "./grid-slider";
import { finite, value, type Descent } from "./types";

export default function Neuron({ document, section }: FigureProps) {
  const forward = document === "slides" && section === "forward";
  const answer = useAnswer<Content>(request("neuron", 0));
  const label = t("The neuron w·x + b and its squared error, as a graph");
  return (
    <Answered answer={answer}>
      {(content) => (
        <div class="beside">
          <GraphWalk content={content} part={forward ? "forward" : "all"} fromTheStart={forward} label={label} />
          {!forward && <OneStep content={content.value} />}
        </div>
      )}
    </Answered>
  );
}

function OneStep({ content }: { content: Content }) {
  const lr = useSignal(0.01);
  const answer = useAnswer<Descent>(request("neuron", 1, { lr: lr.value }));
  return (
    <div class="one-step">
      <GridSlider
        figure="neuron"
        index={1}
        path="lr"
        label={t("Learning rate")}
        value={lr.value}
        onInput={(moved) => (lr.value = moved)}
      />
      <Answered answer={answer}>
        {(descent) => {
          const after = descent.value.points.at(-1);
          const row = (name: string, before: number, then: number) => (
            <tr>
              <th scope="row">
                <bdi dir="ltr">{name}</bdi>
              </th>
              <td class="n">
                <Num value={before} />
              </td>
              <td class="n">
                <strong>
                  <bdi dir="ltr">{number(then, 5)}</bdi>
                </strong>
              </td>
            </tr>
          );
          return (
            <table>
              <thead>
                <tr>
                  <td />
                  <th scope="col">{t("before")}</th>
                  <th scope="col">{t("after one step")}</th>
                </tr>
              </thead>
              <tbody>
                {["w", "b"].map((name) => row(name, value(content, name), finite(after?.values?.[name] ?? "nan")))}
                {row(t("loss"), value(content, "L"), finite(after?.loss ?? "nan"))}
              </tbody>
            </table>
          );
        }}
      </Answered>
    </div>
  );
}
