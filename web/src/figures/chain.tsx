/** Two rates and their product: free road, accelerator, speed. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, Signed, tone } from "./common";
import { request } from "./data";
import { GridSlider } from "./grid-slider";
import { gradient, value } from "./types";

export default function Chain() {
  const rates = useSignal({ a: 0.5, b: 30 });
  const { a, b } = rates.value;
  const answer = useAnswer<Content>(request("chain", 0, { "values.a": a, "values.b": b }));
  return (
    <div class="chain">
      <div class="chain-sliders">
        <GridSlider
          figure="chain"
          path="values.a"
          fine={0.05}
          label={t("Centimetres of pedal for each 10 m of free road")}
          value={a}
          onInput={(moved) => (rates.value = { a: moved, b })}
        />
        <GridSlider
          figure="chain"
          path="values.b"
          fine={1}
          label={t("km/h for each centimetre of pedal")}
          value={b}
          onInput={(moved) => (rates.value = { a, b: moved })}
        />
      </div>
      <Answered answer={answer}>{(content) => <Links content={content.value} />}</Answered>
    </div>
  );
}

/** Three things and the two rates between them; how thick a link is tells how strongly it passes a change on. */
function Links({ content }: { content: Content }) {
  const [inner, outer, whole] = [value(content, "a"), value(content, "b"), gradient(content, "t")];
  const link = (rate: number, most: number, sign: string) => (
    <li class={`chain-link ${tone(rate)}`}>
      <i style={{ blockSize: `${Math.max(2, Math.min(22, (Math.abs(rate) / most) * 20))}px` }} aria-hidden="true" />
      <bdi dir="ltr">
        {sign} {number(rate, 4)}
      </bdi>
    </li>
  );
  return (
    <div>
      <ol class="chain-row">
        <li class="chain-box">{t("free road")}</li>
        {link(inner, 1, "×")}
        <li class="chain-box">{t("pedal")}</li>
        {link(outer, 40, "×")}
        <li class="chain-box">{t("speed")}</li>
      </ol>
      <p class="readout">
        <span>
          {t("Speed for each 10 m of free road:")}{" "}
          <bdi dir="ltr">
            {number(outer)} × {number(inner)} = <Signed value={whole} />
          </bdi>
        </span>
      </p>
    </div>
  );
}
