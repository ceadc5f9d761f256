/** What boxes and stops are called, for those who hear the graph. */

import { t } from "../i18n/t";
import { shownOf, type Walk } from "../walk/walk";

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

/** What a node is, in a word: its operation, or how it came. */
export function kindOf(walk: Walk, node: number): string {
  const { op, kind } = walk.model.value.nodes[node]!;
  if (op) return operation(op);
  return kind === "leaf" ? t("input that wants a gradient") : kind === "input" ? t("input") : t("constant");
}

/** A stop in the graph as it is announced: "multiply, value 6, gradient −8, feeds subtract". */
export function spoken(walk: Walk, key: string): string {
  const model = walk.model.value;
  const group = model.content.groups[key];
  if (group) return t("{parts}", { parts: [group.t, group.m, t("closed module: press C to open it")] });
  const node = Number(key.slice(1));
  const shown = shownOf(walk, node);
  const parts = [kindOf(walk, node)];
  if (shown.valueHidden) parts.push(t("value hidden"));
  else if (shown.value === undefined) parts.push(t("not computed yet"));
  else parts.push(t("value {value}", { value: shown.value }));
  if (shown.gradientHidden && shown.gradient !== undefined) parts.push(t("gradient hidden"));
  else if (shown.gradient !== undefined) {
    parts.push(
      shown.whole
        ? t("gradient {value}", { value: shown.gradient })
        : t("gradient so far {value}", { value: shown.gradient }),
    );
  }
  const users = [...new Set(model.users[node]!.map((edge) => model.nodes[model.edges[edge]!.to]!.op ?? ""))];
  if (users.length) parts.push(t("feeds {operations}", { operations: users.map(operation) }));
  else if (node === model.trace.result.node) parts.push(t("the result"));
  return t("{parts}", { parts });
}

/** A box's name and what it shows, for its label. */
export function named(walk: Walk, key: string): string {
  const model = walk.model.value;
  const title = model.content.groups[key]?.t ?? model.content.labels[Number(key.slice(1))]?.t ?? "";
  return t("{name}: {what}", { name: title, what: spoken(walk, key) });
}
