/** What boxes and stops are called, for those who hear the graph. */

import { t } from "../i18n/t";
import { isolate } from "./direction";
import { operation } from "./operation";
import { spell } from "./spell";
import { shownOf, type Walk } from "../walk/walk";

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
  if (group) return t("{parts}", { parts: [spell(group.m), t("closed module: press C to open it")] });
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
  parts.push(...feeds(walk, node));
  return t("{parts}", { parts });
}

/** The texts of value and gradient in a box, and how they look. */
export function written(walk: Walk, node: number) {
  const shown = shownOf(walk, node);
  const { gradient, sign } = shown;
  const glyph = sign > 0 ? "▲ " : sign < 0 ? "▼ " : "";
  const tone = sign > 0 ? "gradient plus" : sign < 0 ? "gradient minus" : "gradient";
  const secret = shown.gradientHidden && gradient !== undefined;
  return {
    value: shown.value === undefined || shown.valueHidden ? isolate("= ?") : isolate(`= ${shown.value}`),
    valueClass: shown.value === undefined ? "soft" : shown.valueHidden ? "hidden" : "value",
    gradient: secret
      ? t("gradient {value}", { value: "?" })
      : gradient === undefined
        ? ""
        : glyph + (shown.whole ? t("gradient {value}", { value: gradient }) : t("so far {value}", { value: gradient })),
    gradientClass: secret ? "gradient hidden" : tone,
  };
}

/** What stands in a box, in the order in which it stands there. */
export function rows(walk: Walk, key: string): { title: string; shape: string; place: string } {
  const { content, nodes } = walk.model.value;
  const group = content.groups[key];
  if (group) return { title: isolate(`⊞ ${spell(group.t)}`), shape: "", place: spell(group.m) };
  const node = Number(key.slice(1));
  const label = content.labels[node];
  return {
    title: isolate(spell(label?.t ?? nodes[node]?.name)),
    shape: isolate(spell(label?.s)),
    place: isolate(spell(label?.p)),
  };
}

/** A box's name for a screen reader: what stands in it, what it is, and what it feeds. */
export function named(walk: Walk, key: string): string {
  const { title, shape, place } = rows(walk, key);
  if (walk.model.value.content.groups[key]) {
    return t("{name}: {what}", { name: `${title} ${place}`, what: t("closed module: press C to open it") });
  }
  const node = Number(key.slice(1));
  const { value, gradient } = written(walk, node);
  const name = [title, shape, place, value, gradient].filter(Boolean).join(" ");
  const parts = [
    kindOf(walk, node),
    ...(shownOf(walk, node).value === undefined ? [t("not computed yet")] : []),
    ...feeds(walk, node),
  ];
  return t("{name}: {what}", { name, what: t("{parts}", { parts }) });
}

/** Where a value goes: to which operations, or nowhere further. */
function feeds(walk: Walk, node: number): string[] {
  const model = walk.model.value;
  const users = [...new Set(model.users[node]!.map((edge) => model.nodes[model.edges[edge]!.to]!.op ?? ""))];
  if (users.length) return [t("feeds {operations}", { operations: users.map(operation) })];
  return node === model.trace.result.node ? [t("the result")] : [];
}
