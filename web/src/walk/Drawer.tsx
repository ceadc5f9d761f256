/** The card of the box that was opened: in words, numbers, formula, code line, check, paths. */

import { useComputed, useSignal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { shapeText } from "../graph/numbers";
import { isolate } from "../graph/direction";
import { spell } from "../graph/spell";
import { kindOf } from "../graph/words";
import { t } from "../i18n/t";
import { Tabs, type Tab } from "../ui/Tabs";
import { CodeLine, Formula, InWords, NumbersOf } from "./panels";
import type { Walk } from "./walk";
import "./walk.css";

type Told = "words" | "numbers" | "formula" | "line";
export type DrawerTab = Told | "check" | "paths";
const TOLD: readonly Told[] = ["words", "numbers", "formula", "line"];

/** A tab beside those that show what the trace says: where there is an engine, it can be asked about the box. */
export interface MoreTab {
  key: DrawerTab;
  label(): string;
  panel: ComponentType<{ walk: Walk; node: number }>;
}

interface Props {
  walk: Walk;
  /** Which of those that show what the trace says. */
  tabs?: readonly Told[];
  more?: readonly MoreTab[];
  /** The tab that shows; its own if none is given. */
  tab?: { value: DrawerTab };
}

export function Drawer({ walk, tabs = TOLD, more = [], tab }: Props): JSX.Element {
  const own = useSignal<DrawerTab>(tabs[0] ?? "words");
  const open = tab ?? own;
  const root = useComputed(() => walk.model.value.trace.result.node);
  const key = walk.open.value;
  const group = key ? walk.content.value.groups[key] : undefined;
  if (group && key) return <Module walk={walk} id={key} />;
  const wanted = key ? Number(key.slice(1)) : root.value;
  const node = walk.model.value.nodes[wanted] ? wanted : root.value;
  const found = walk.model.value.nodes[node]!;
  const facts = [
    kindOf(walk, node),
    found.shape.length ? isolate(shapeText(found.shape)) : t("one number"),
    found.module != null ? isolate(walk.model.value.trace.modules[found.module]?.path ?? "") : "",
  ];
  const panels: Record<Told, Omit<Tab, "key">> = {
    words: { label: t("In words"), panel: () => <InWords walk={walk} node={node} /> },
    numbers: { label: t("Numbers"), panel: () => <NumbersOf walk={walk} node={node} /> },
    formula: { label: t("Formula"), panel: () => <Formula walk={walk} node={node} /> },
    line: { label: t("Code line"), panel: () => <CodeLine walk={walk} node={node} /> },
  };
  const shown: Tab[] = [
    ...tabs.map((key) => ({ key, ...panels[key] })),
    ...more.map(({ key, label, panel: Panel }) => ({
      key,
      label: label(),
      panel: () => <Panel key={node} walk={walk} node={node} />,
    })),
  ];
  return (
    <section class="drawer" aria-label={t("Details")}>
      <h2>
        <bdi dir="ltr">{spell(walk.content.value.labels[node]?.t ?? found.name)}</bdi>
      </h2>
      <p class="soft">{t("{parts}", { parts: facts.filter(Boolean) })}</p>
      <Tabs
        label={t("Ways of seeing it")}
        tabs={shown}
        open={open.value}
        onOpen={(to) => (open.value = to as DrawerTab)}
      />
    </section>
  );
}

/** What is in a closed module, each to be opened. */
function Module({ walk, id }: { walk: Walk; id: string }): JSX.Element {
  const { content, nodes } = walk.model.value;
  const group = content.groups[id]!;
  const inside = group.n.filter((i) => nodes[i]?.kind !== "constant");
  return (
    <section class="drawer" aria-label={t("Details")}>
      <h2>
        <bdi dir="ltr">{spell(group.t)}</bdi>
      </h2>
      <p class="soft">{spell(group.m)}</p>
      <p>{t("Press C in the graph to open or close a module.")}</p>
      <ul>
        {inside.slice(0, 40).map((i) => (
          <li key={i}>
            <button class="quiet" onClick={() => (walk.open.value = `n${i}`)}>
              <bdi dir="ltr">{spell(content.labels[i]?.t ?? nodes[i]!.name)}</bdi>
            </button>
          </li>
        ))}
      </ul>
      {inside.length > 40 ? <p class="soft">{t("and {n} more", { n: inside.length - 40 })}</p> : null}
    </section>
  );
}
