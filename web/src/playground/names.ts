/** What everything that can be chosen is called, and the presets. */
import { language, t } from "../i18n/t";
import presets from "./presets.json";
import type { Config } from "./types";

type Names = Record<string, () => string>;

export const DATA: Names = {
  circle: () => t("Circle"),
  xor: () => t("Exclusive or"),
  clouds: () => t("Two clouds"),
  spiral: () => t("Two spirals"),
  moons: () => t("Two moons"),
  plane: () => t("Slope (a quantity)"),
  hills: () => t("Hills (a quantity)"),
  drawn: () => t("Drawn by hand"),
  table: () => t("Your own table"),
};
export const QUANTITIES: readonly string[] = ["plane", "hills"];
export const FEATURES = ["x", "y", "x²", "y²", "xy", "sin x", "sin y"] as const;
export const ACTIVATIONS: Names = {
  tanh: () => "tanh",
  relu: () => "ReLU",
  "leaky relu": () => "leaky ReLU",
  sigmoid: () => t("sigmoid"),
  gelu: () => "GELU",
  silu: () => "SiLU",
  linear: () => t("none (linear)"),
};
export const CLASS_LOSSES: Names = {
  log: () => t("Cross-entropy"),
  squared: () => t("Squared error"),
  hinge: () => t("Hinge"),
};
export const QUANTITY_LOSSES: Names = {
  squared: () => t("Squared error"),
  absolute: () => t("Absolute error"),
  huber: () => t("Huber"),
};
export const OPTIMISERS: Names = {
  sgd: () => "SGD",
  momentum: () => t("SGD with momentum"),
  rmsprop: () => "RMSprop",
  adam: () => "Adam",
  adamw: () => "AdamW",
};
export const PENALTIES: Names = { none: () => t("penalty|None"), l1: () => "L1", l2: () => "L2" };
export const STARTS: Names = {
  lecun: () => "LeCun",
  xavier: () => "Xavier",
  he: () => "He",
  equal: () => t("All the same"),
};
export const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] as const;
export const STRENGTHS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1] as const;
export const SPREADS = [0, 0.1, 0.3, 0.5, 1, 1.5, 2, 3, 4, 6, 8] as const;
export const SPEEDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000] as const;
export const COUNTS = [20, 40, 60, 100, 200, 300, 400, 500, 700, 1000] as const;
export const BATCHES = [1, 2, 5, 10, 20, 30, 50, 100, 200] as const;

export const options = (names: Names) => Object.entries(names).map(([value, name]) => ({ value, label: name() }));

export interface Preset {
  id: keyof typeof presets;
  title(): string;
  /** What to look at. */
  look(): string;
}

export const PRESETS: readonly Preset[] = [
  { id: "circle", title: () => t("A first network"), look: () => t("Six units learn to draw a ring.") },
  {
    id: "linear",
    title: () => t("A stack that cannot bend"),
    look: () => t("Three layers without an activation are one straight line, however long they learn."),
  },
  {
    id: "xor",
    title: () => t("The right feature"),
    look: () => t("Given x·y, no hidden layer is needed. Take it away and see."),
  },
  { id: "spiral", title: () => t("Two spirals"), look: () => t("Hard: three layers, and patience.") },
  {
    id: "vanishing",
    title: () => t("The gradient vanishes"),
    look: () => t("Six layers of sigmoids beside six of ReLU: look at the gradient of layer 1."),
  },
  {
    id: "exploding",
    title: () => t("The gradient explodes"),
    look: () => t("Large weights at the start: see how few steps it takes, and where it breaks."),
  },
  {
    id: "dead",
    title: () => t("Units die"),
    look: () => t("A learning rate that is too large switches ReLU units off for good."),
  },
  {
    id: "twins",
    title: () => t("Twins"),
    look: () => t("Weights that begin the same get the same gradient: six units stay one."),
  },
  {
    id: "noise",
    title: () => t("Learning the noise"),
    look: () => t("Few noisy points, many units: the test loss rises. A penalty beside it helps."),
  },
  {
    id: "optimisers",
    title: () => t("SGD beside Adam"),
    look: () => t("The same start, the same batches, another rule for the step."),
  },
  { id: "hills", title: () => t("Hills and hollows"), look: () => t("A quantity instead of two classes.") },
];

export interface Given {
  sides: Partial<Config>[];
  speed?: number;
}

export const presetOf = (id: string): Given | undefined => (presets as unknown as Record<string, Given>)[id];

/** A share in the reader's way of writing. */
export const percent = (share: number): string =>
  new Intl.NumberFormat(`${language.value.locale}-u-nu-latn`, { style: "percent", maximumFractionDigits: 1 }).format(
    share,
  );
