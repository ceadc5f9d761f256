/** A weight that is used twice: two paths, a product along each, and their sum. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, Signed } from "./common";
import { request } from "./data";
import { GraphWalk } from "./graph-walk";
import { GridSlider } from "./grid-slider";
import { gradient } from "./types";

interface Found {
  paths: { contribution: number; factors: { value: number; symbol?: string; text?: string }[] }[];
}

export default function Paths() {
  const w = useSignal(2);
  const answer = useAnswer<Content>(request("paths", 0, { "values.w": w.value }));
  const paths = useAnswer<Found>(request("paths", 1, { "values.w": w.value }));
  return (
    <>
      <GridSlider
        figure="paths"
        path="values.w"
        fine={0.1}
        label={t("Drag {name}", { name: "w" })}
        shown={`w = ${number(w.value)}`}
        value={w.value}
        onInput={(value) => (w.value = value)}
      />
      <Answered answer={answer}>
        {(content) => (
          <>
            <GraphWalk content={content} label={t("w used twice, as a graph")} />
            <Answered answer={paths}>
              {(found) => (
                <ol class="paths" aria-label={t("The paths, largest first")}>
                  {found.value.paths.map((path, i) => (
                    <li key={i}>
                      <bdi dir="ltr">
                        {path.factors.map((factor) => number(factor.value)).join(" × ")} ={" "}
                        <Signed value={path.contribution} />
                      </bdi>
                    </li>
                  ))}
                  <li class="paths-sum">
                    {t("added up")} <Signed value={gradient(content.value, "w")} />
                  </li>
                </ol>
              )}
            </Answered>
          </>
        )}
      </Answered>
    </>
  );
}
