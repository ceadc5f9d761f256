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

const RECURRENT = `cell = nn.RNNCell(1, 2)
x = torch.tensor([[[0.5], [-1.0], [2.0]]])
h = torch.zeros(1, 2)
for t in range(3):
    h = cell(x[:, t], h)
loss = F.mse_loss(h, torch.tensor([[1.0, -1.0]]))
`;

const ATTENTION = `x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
q, k, v = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
weights = F.softmax(q(x) @ k(x).T / 1.414, dim=-1)
out = weights @ v(x)
loss = F.mse_loss(out[-1], torch.tensor([1.0, -1.0]))
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
  const networks = [
    { title: t("A small network"), code: NETWORK },
    { title: t("A recurrent network, three steps written out"), code: RECURRENT },
    { title: t("Attention: three words look at each other"), code: ATTENTION },
  ];
  return [
    ...all,
    ...networks.map(({ title, code }): Example => ({ title, source: { kind: "network", code }, values: {} })),
  ];
}
