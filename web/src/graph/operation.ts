/** What operations are called. */

import { t } from "../i18n/t";

/** An operation's name as a word; the engine's own name where there is none. */
export function operation(op: string): string {
  switch (op) {
    case "add":
      return t("add");
    case "sub":
      return t("subtract");
    case "mul":
      return t("multiply");
    case "div":
      return t("divide");
    case "neg":
      return t("negate");
    case "pow":
      return t("power");
    case "square":
      return t("square");
    case "sqrt":
      return t("square root");
    case "exp":
      return t("exponential");
    case "log":
      return t("logarithm");
    case "abs":
      return t("absolute value");
    case "matmul":
      return t("matrix product");
    case "linear":
      return t("linear layer");
    case "sum":
      return t("sum");
    case "mean":
      return t("mean");
    case "max":
      return t("largest");
    case "min":
      return t("smallest");
    default:
      return op.replaceAll("_", " ");
  }
}
