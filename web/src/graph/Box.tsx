/** One box of a graph: a value, or a closed module. A step draws those texts and classes anew that change. */

import { untracked, useComputed, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { language } from "../i18n/t";
import { stageOf, type Walk } from "../walk/walk";
import type { Rect } from "./content";
import { mirrored } from "./direction";
import { named, rows, written } from "./words";

/** What `make` gives, made anew when the stage, the numbers or the language change, not at each step. */
function settled<T>(walk: Walk, stage: ReadonlySignal<string>, make: () => T): T {
  void [stage.value, walk.model.value, language.value];
  return untracked(make);
}

export interface BoxProps {
  walk: Walk;
  id: string;
  rect: Rect;
  /** The box that the keyboard is at. */
  at: ReadonlySignal<string>;
  press(key: string): void;
}

const MINUS = 11;

/** A text of a box, at the side where reading begins. */
function Row(props: {
  x: number;
  y: number;
  class: string | ReadonlySignal<string>;
  end?: boolean;
  children: JSX.Element | string | ReadonlySignal<string>;
}): JSX.Element {
  // The space between texts is not drawn; it keeps their words apart where they are read out.
  return (
    <>
      <text x={props.x} y={props.y} class={props.class} text-anchor={props.end ? "end" : "start"}>
        {props.children}
      </text>{" "}
    </>
  );
}

export function Box({ walk, id, rect, at, press }: BoxProps): JSX.Element {
  const group = walk.model.value.content.groups[id];
  const nodes = group ? group.n : [Number(id.slice(1))];
  const classes = useComputed(() => {
    const { model, frame, lit, open } = walk;
    const last = frame.value.last;
    const node = model.value.nodes[nodes[0]!];
    return [
      "box",
      group ? "group" : node && node.kind !== "operation" ? "leaf" : "",
      !group && nodes[0] === model.value.trace.result.node ? "root" : "",
      nodes.some((i) => (model.value.computedAt[i] ?? -1) <= last) ? "" : "todo",
      nodes.some((i) => lit.value.nodes.has(i)) ? "now" : "",
      open.value === id ? "open" : "",
    ]
      .filter(Boolean)
      .join(" ");
  });
  const stage = useComputed(() => nodes.map((node) => stageOf(walk, node)).join());
  const label = useComputed(() => settled(walk, stage, () => named(walk, id)));
  const tab = useComputed(() => (at.value === id ? 0 : -1));
  const pressed = useComputed(() => (walk.open.value === id ? "true" : "false"));
  const [x, y, width, height] = rect;
  return (
    <g
      class={classes}
      data-key={id}
      style={`transform: translate(${x}px, ${y}px)`}
      role="button"
      tabindex={tab as unknown as number}
      aria-label={label}
      aria-pressed={pressed as unknown as "true"}
      onClick={() => press(id)}
    >
      {group ? (
        <Closed {...rows(walk, id)} width={width} height={height} />
      ) : (
        <Value walk={walk} node={nodes[0]!} width={width} height={height} />
      )}
    </g>
  );
}

/** A closed module: a stack of cards. */
function Closed(props: { title: string; place: string; width: number; height: number }): JSX.Element {
  const x = mirrored.value ? props.width - 6 - MINUS : MINUS;
  return (
    <>
      {[6, 3, 0].map((d) => (
        <rect key={d} x={mirrored.value ? 6 - d : d} y={d} width={props.width - 6} height={props.height - 6} rx={7} />
      ))}
      <Row x={mirrored.value ? x + 6 : x} y={20} class="title">
        {props.title}
      </Row>
      <Row x={mirrored.value ? x + 6 : x} y={38} class="soft">
        {props.place}
      </Row>
    </>
  );
}

function Value(props: { walk: Walk; node: number; width: number; height: number }): JSX.Element {
  const { walk, node, width, height } = props;
  const { nodes } = walk.model.value;
  const leaf = nodes[node]?.kind !== "operation";
  const stage = useComputed(() => stageOf(walk, node));
  const shown = useComputed(() => settled(walk, stage, () => written(walk, node)));
  const value = useComputed(() => shown.value.value);
  const valueClass = useComputed(() => shown.value.valueClass);
  const gradient = useComputed(() => shown.value.gradient);
  const gradientClass = useComputed(() => shown.value.gradientClass);
  const start = mirrored.value ? width - MINUS : MINUS;
  const { title, shape, place } = rows(walk, `n${node}`);
  const down = place ? 16 : 0;
  return (
    <>
      <rect width={width} height={height} rx={leaf ? Math.min(height / 2, 16) : 7} />
      <Row x={start} y={20} class="title">
        {title}
      </Row>
      {shape ? (
        <Row x={width - start} y={20} class="soft" end>
          {shape}
        </Row>
      ) : null}
      {place ? (
        <Row x={start} y={36} class="soft">
          {place}
        </Row>
      ) : null}
      <Row x={start} y={37 + down} class={valueClass}>
        {value}
      </Row>
      <Row x={start} y={54 + down} class={gradientClass}>
        {gradient}
      </Row>
    </>
  );
}
