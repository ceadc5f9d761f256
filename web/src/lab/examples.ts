/** Expressions and networks to begin with. */

import { t } from "../i18n/t";
import type { Source, Values } from "./derive";

export interface Example {
  title: string;
  source: Source;
  values: Values;
}

const expression = (title: string, text: string, values: Values): Example => ({
  title,
  source: { kind: "expression", expression: text },
  values,
});

export const NETWORK = `model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
x = [[0.5, -1.0], [1.5, 2.0]]
y = [[1.0], [-1.0]]
loss = mse_loss(model(x), y)
`;

export function examples(): Example[] {
  return [
    expression(t("The lesson's: one weight, squared error"), "(w*x - y)**2", { w: 2, x: 3, y: 10 }),
    expression(t("A neuron with a bias"), "(w*x + b - y)**2", { w: 1, x: 2.1, b: 0, y: 4 }),
    expression(t("One weight used twice: its paths add up"), "w*w + w", { w: 3 }),
    expression(t("A chain: speed, accelerator, traffic"), "b*(a*t)", { a: 0.5, b: 30, t: 1 }),
    expression(t("Four sigmoids in a row: the gradient fades"), "sigmoid(d*sigmoid(c*sigmoid(b*sigmoid(a*x))))", {
      a: 0.5, b: 0.8, c: 0.6, d: 0.9, x: 1,
    }), // prettier-ignore
    expression(t("A ReLU that is off: nothing flows back"), "(relu(w*x + b) - y)**2", { w: 1, x: 2, b: -3, y: 1 }),
    expression(t("Two layers with a name in between"), "h = tanh(w1*x + b1); (w2*h + b2 - y)**2", {
      w1: 0.8, x: 1.5, b1: -0.2, w2: 1.2, b2: 0.1, y: 1,
    }), // prettier-ignore
    expression(t("A layer as a matrix"), "sum((W @ x + b - y)**2)", {
      W: [[1, 0.5], [-0.5, 2]], x: [1, -1], b: [0, 0.5], y: [1, -2],
    }), // prettier-ignore
    { title: t("A small network"), source: { kind: "network", code: NETWORK }, values: {} },
  ];
}
