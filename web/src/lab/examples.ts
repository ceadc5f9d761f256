/** Expressions and networks to begin with; a static site has their answers recorded, from the same file. */

import data from "../../../src/upriver/web/figures.json";
import { t } from "../i18n/t";
import type { Source, Values } from "./derive";

export interface Example {
  title: string;
  source: Source;
  values: Values;
}

type Name = keyof typeof data.lab;

export const NETWORK = `model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
x = [[0.5, -1.0], [1.5, 2.0]]
y = [[1.0], [-1.0]]
loss = mse_loss(model(x), y)
`;

export function examples(): Example[] {
  const titles: Record<Name, string> = {
    worked: t("The lesson's: one weight, squared error"),
    neuron: t("A neuron with a bias"),
    twice: t("One weight used twice: its paths add up"),
    chain: t("A chain: speed, accelerator, traffic"),
    sigmoids: t("Four sigmoids in a row: the gradient fades"),
    off: t("A ReLU that is off: nothing flows back"),
    layers: t("Two layers with a name in between"),
    matrix: t("A layer as a matrix"),
  };
  const all = (Object.keys(titles) as Name[]).map((name): Example => {
    const { expression, values } = data.lab[name];
    return { title: titles[name], source: { kind: "expression", expression }, values: { ...values } };
  });
  return [...all, { title: t("A small network"), source: { kind: "network", code: NETWORK }, values: {} }];
}
