/** Rankings of weights by the engine: by sensitivity, by the effect of the coming step, by gradient × weight. */
import { useSignal } from "@preact/signals";
import { number, t } from "../i18n/t";
import { Choice } from "../ui/Choice";
import { BarTable } from "./Bars";
import { told } from "./told";
import type { Measure, Ranked } from "./types";

interface Props {
  weights: Record<Measure, Ranked[]>;
  modules: Ranked[];
  /** By how much one plain step on this example alone would change the loss, to first order. */
  predicted: number;
  /** By how much it really does: measured on a copy. */
  healed: number;
  open(name: string): void;
  current?: string | undefined;
}

const about = (measure: Measure): string => {
  switch (measure) {
    case "sensitivity":
      return t("The gradient: how fast the loss grows as this weight grows.");
    case "update":
      return t("By how much a plain step on this one example would change the loss through this weight.");
    default:
      return t("By how much the loss would change, to first order, if this weight were twice as large.");
  }
};

export function Weights({ weights, modules, predicted, healed, open, current }: Props) {
  const measure = useSignal<Measure>("sensitivity");
  return (
    <div class="two">
      <div>
        <Choice
          label={t("Ranked by")}
          value={measure.value}
          options={[
            { value: "sensitivity", label: t("sensitivity: the gradient") },
            { value: "update", label: t("effect of the coming step") },
            { value: "gradient x weight", label: t("gradient × weight") },
          ]}
          onChange={(to) => (measure.value = to)}
        />
        <p class="soft">{about(measure.value)}</p>
        <BarTable
          caption={t("The weights that come first")}
          name={t("Weight")}
          value={t("By this measure")}
          beside={t("Its value")}
          rows={weights[measure.value].map((one) => ({
            key: told(one.name),
            label: <Name name={told(one.name)} />,
            value: one.value,
            beside: <bdi dir="ltr">{one.weight === null ? "" : number(one.weight, 3)}</bdi>,
            open: () => open(told(one.name)),
            current: told(one.name) === current,
          }))}
        />
      </div>
      <div>
        <BarTable
          caption={t("Modules by the length of their gradient")}
          name={t("Module")}
          value={t("Norm of the gradient")}
          unsigned
          rows={modules.map((one) => ({
            key: told(one.name),
            label: <Name name={told(one.name)} />,
            value: one.value,
          }))}
        />
        <p class="soft">
          {t(
            "One plain step on this example alone would change its loss by {predicted}, as the gradient has it. Measured on a copy of the network: {measured}.",
            {
              predicted: number(predicted, 3),
              measured: number(healed, 3),
            },
          )}
        </p>
      </div>
    </div>
  );
}

/** A name in the network: `layers.0.attention.ask.weight[3, 17]`; it may be broken after its dots. */
const Name = ({ name }: { name: string }) => (
  <bdi dir="ltr" class="path-name">
    {name.split(/(?<=\.)|(?=\[)/).map((piece, i) => (
      <span key={i}>{piece}</span>
    ))}
  </bdi>
);
