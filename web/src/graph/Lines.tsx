/** The lines of a graph. What flows back is drawn by its sign: solid where it is positive, dashed where negative. */

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import type { Walk } from "../walk/walk";
import { mirrored } from "./direction";
import type { Picture, PlacedLine } from "./geometry";
import { signOf } from "./model";

function Line({ walk, line }: { walk: Walk; line: PlacedLine }): JSX.Element {
  const classes = useComputed(() => {
    const model = walk.model.value;
    const last = walk.frame.value.last;
    const lit = walk.lit.value;
    const gone = line.edges.filter((i) => model.edgeAt[i]! <= last);
    const names = ["line"];
    if (!line.edges.some((i) => model.edges[i]?.step !== undefined)) names.push("none");
    if (gone.length) {
      const only = line.edges.length === 1 ? model.edges[line.edges[0]!] : undefined;
      const secret = walk.secrets.value.has(`g:${model.nodes[only?.from ?? -1]?.name}`);
      const sign = secret ? 0 : signOf(only?.product);
      names.push("back", sign > 0 ? "plus" : sign < 0 ? "minus" : "");
    }
    if (line.edges.some((i) => lit.edges.has(i))) names.push("now");
    return names.filter(Boolean).join(" ");
  });
  return (
    <g class={classes}>
      <path class="way" d={line.path} />
      <path class="ahead" d={line.ahead} />
      <path class="behind" d={line.behind} />
    </g>
  );
}

/** A drop that runs along each line of the stop: forward with values, back with gradients. */
function Drops({ walk, picture }: { walk: Walk; picture: Picture }): JSX.Element {
  const { edges, back } = walk.lit.value;
  const place = walk.frame.value.first;
  const lines = picture.lines.filter((line) => line.edges.some((i) => edges.has(i)));
  return (
    <g class={back ? "drops back" : "drops"} aria-hidden="true">
      {lines.slice(0, 24).map((line) => (
        <circle key={`${place}:${line.id}:${line.path}`} r={5} style={`offset-path: path("${line.path}")`} />
      ))}
    </g>
  );
}

export function Lines({ walk, picture }: { walk: Walk; picture: Picture }): JSX.Element {
  // A line at a new place is a new element, so that it fades in where boxes glide.
  return (
    <g class="lines" aria-hidden="true" data-mirrored={mirrored.value}>
      {picture.lines.map((line) => (
        <Line key={line.path + line.edges[0]} walk={walk} line={line} />
      ))}
      <Drops walk={walk} picture={picture} />
    </g>
  );
}
