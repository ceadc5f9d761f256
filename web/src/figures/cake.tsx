/** The cake: five ingredients, how strongly the taste reacts to each, and one nudge at a time. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, AsTable, Signed, tone } from "./common";
import { choices, request } from "./data";
import { Compared } from "./nudged";
import { gradient, value, type Nudged } from "./types";

function nameOf(ingredient: string): string {
  switch (ingredient) {
    case "flour":
      return t("flour");
    case "sugar":
      return t("sugar");
    case "butter":
      return t("butter");
    case "eggs":
      return t("eggs");
    default:
      return t("salt");
  }
}

export default function Cake() {
  const answer = useAnswer<Content>(request("cake", 0));
  const nudge = useSignal<{ name: string; by: number }>({ name: "salt", by: -0.1 });
  const tried = useAnswer<Nudged>(request("cake", 1, nudge.value));
  const names = choices<string>("cake", 1, "name");
  const steps = choices("cake", 1, "by").filter((by) => Math.abs(by) <= 0.1);
  return (
    <Answered answer={answer}>
      {(content) => {
        const most = Math.max(...names.map((name) => Math.abs(gradient(content.value, name))));
        return (
          <div class="cake">
            <p class="readout">
              <span>
                {t("How awful it tastes (the loss)")} <strong dir="ltr">{number(value(content.value, "L"))}</strong>
              </span>
            </p>
            <ul class="blame">
              {names.map((name) => {
                const slope = gradient(content.value, name);
                const share = `${(Math.abs(slope) / most) * 50}%`;
                return (
                  <li key={name} aria-current={nudge.value.name === name ? "true" : undefined}>
                    <span class="blame-name">
                      {nameOf(name)}{" "}
                      <small class="soft">
                        <bdi dir="ltr">{number(value(content.value, name))}</bdi>
                      </small>
                    </span>
                    <span class={`blame-track ${tone(slope)}`} dir="ltr" aria-hidden="true">
                      <i style={slope > 0 ? { left: "50%", width: share } : { right: "50%", width: share }} />
                    </span>
                    <Signed value={slope} />
                    <span class="blame-nudges">
                      {steps.map((by) => (
                        <button
                          key={by}
                          aria-pressed={nudge.value.name === name && nudge.value.by === by}
                          aria-label={
                            by > 0
                              ? t("A little more {ingredient}", { ingredient: nameOf(name) })
                              : t("A little less {ingredient}", { ingredient: nameOf(name) })
                          }
                          onClick={() => (nudge.value = { name, by })}
                        >
                          {by > 0 ? "+" : "−"}
                        </button>
                      ))}
                    </span>
                  </li>
                );
              })}
            </ul>
            <div class="cake-nudge">
              <p>
                <strong>
                  {nudge.value.by > 0
                    ? t("A little more {ingredient}", { ingredient: nameOf(nudge.value.name) })
                    : t("A little less {ingredient}", { ingredient: nameOf(nudge.value.name) })}
                </strong>{" "}
                <bdi dir="ltr">({number(nudge.value.by)})</bdi>
              </p>
              <Answered answer={tried}>{(nudged) => <Compared nudged={nudged.value} />}</Answered>
            </div>
            <AsTable
              caption={t("How the loss reacts to each ingredient")}
              head={[t("ingredient"), t("amount"), t("gradient")]}
              rows={names.map((name) => [nameOf(name), value(content.value, name), gradient(content.value, name)])}
            />
          </div>
        );
      }}
    </Answered>
  );
}
