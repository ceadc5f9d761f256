/** Where boxes and lines of a view are, and which box an arrow key leads to. Pixels only. */

import type { Content, Rect, View } from "./content";
import type { Model } from "./model";

export interface PlacedLine {
  id: string;
  edges: number[];
  /** Keys of the boxes at its ends, where they can be told. */
  from: string;
  to: string;
  path: string;
  /** Arrow heads: at its end for values, at its beginning for gradients. */
  ahead: string;
  behind: string;
}

export interface Picture {
  width: number;
  height: number;
  down: boolean;
  mirrored: boolean;
  boxes: Map<string, Rect>;
  frames: Map<string, Rect>;
  lines: PlacedLine[];
}

/** The view called `name`, through a name that stands for another. */
export function viewOf(content: Content, name: string): View {
  let view = content.views[name] ?? content.views.first!;
  while (typeof view === "string") view = content.views[view]!;
  return view;
}

/** For each node the key of the box that shows it in a view: its own, or the closed group's that it is in. */
export function shownBy(content: Content, view: View): Map<number, string> {
  const found = new Map<number, string>();
  for (const key of Object.keys(view.b)) {
    const group = content.groups[key];
    if (group) for (const node of group.n) found.set(node, key);
    else found.set(Number(key.slice(1)), key);
  }
  return found;
}

/** A view as a picture; for right-to-left pages mirrored by x → W − x. */
export function pictureOf(model: Model, view: View, mirrored: boolean): Picture {
  const turn = ([x, y, w, h]: Rect): Rect => (mirrored ? [view.w - x - w, y, w, h] : [x, y, w, h]);
  const place = (rects: Record<string, Rect>) => new Map(Object.entries(rects).map(([key, rect]) => [key, turn(rect)]));
  const shows = shownBy(model.content, view);
  const lines = view.l.map((line) => {
    const edge = model.edges[line.e[0]!];
    const points = mirrored ? line.r.map((c, i) => (i % 2 ? c : view.w - c)) : line.r;
    const from = (edge && shows.get(edge.from)) ?? "";
    const to = (edge && shows.get(edge.to)) ?? "";
    const down = Boolean(view.d);
    const [ahead, behind] = heads(points, down, mirrored);
    return { id: `${from}-${to}-${line.e[0]}`, edges: line.e, from, to, path: pathOf(points, down), ahead, behind };
  });
  return {
    width: view.w, height: view.h, down: Boolean(view.d), mirrored, boxes: place(view.b), frames: place(view.f), lines,
  }; // prettier-ignore
}

/** A route as an SVG path: straight where it runs along the flow, an S across it. */
export function pathOf(p: number[], down: boolean): string {
  let d = `M${p[0]} ${p[1]}`;
  for (let i = 2; i < p.length; i += 2) {
    const [a, b, x, y] = [p[i - 2]!, p[i - 1]!, p[i]!, p[i + 1]!];
    if (Math.abs(down ? x - a : y - b) < 0.05) d += `L${x} ${y}`;
    else if (down) d += `C${a} ${(b + y) / 2} ${x} ${(b + y) / 2} ${x} ${y}`;
    else d += `C${(a + x) / 2} ${b} ${(a + x) / 2} ${y} ${x} ${y}`;
  }
  return d;
}

/** The arrow heads of a route, which meets boxes along the flow. */
function heads(p: number[], down: boolean, mirrored: boolean): [string, string] {
  const side = !down && mirrored ? -1 : 1;
  const head = (x: number, y: number, back: number) =>
    down
      ? `M${x - 4} ${y - 8 * back}L${x} ${y}L${x + 4} ${y - 8 * back}z`
      : `M${x - 8 * back} ${y - 4}L${x} ${y}L${x - 8 * back} ${y + 4}z`;
  return [head(p[p.length - 2]!, p[p.length - 1]!, side), head(p[0]!, p[1]!, -side)];
}

/** Whether two views have the same boxes at the same places: then nothing is drawn anew but the numbers. */
export function alike(last: View, next: View): boolean {
  if (last === next) return true;
  const places = ({ w, h, d, b, f, l }: View) => JSON.stringify([w, h, d, b, f, l]);
  return places(last) === places(next);
}

export type Way = "user" | "input" | "next" | "before";

/** What an arrow key means in a picture: along the flow to users and inputs, across it to neighbours. */
export function wayOf(key: string, picture: Pick<Picture, "down" | "mirrored">): Way | undefined {
  const along = picture.down ? "ArrowDown" : picture.mirrored ? "ArrowLeft" : "ArrowRight";
  const against = picture.down ? "ArrowUp" : picture.mirrored ? "ArrowRight" : "ArrowLeft";
  const after = picture.down ? (picture.mirrored ? "ArrowLeft" : "ArrowRight") : "ArrowDown";
  const before = picture.down ? (picture.mirrored ? "ArrowRight" : "ArrowLeft") : "ArrowUp";
  return ({ [along]: "user", [against]: "input", [after]: "next", [before]: "before" } as Record<string, Way>)[key];
}

/** The box that an arrow key leads to from box `key`; undefined where there is none. */
export function neighbour(picture: Picture, key: string, way: Way): string | undefined {
  const here = picture.boxes.get(key) ?? picture.frames.get(key);
  if (!here) return undefined;
  if (way === "user" || way === "input") {
    const ends = picture.lines.flatMap((line) =>
      way === "user" ? (line.from === key ? [line.to] : []) : line.to === key ? [line.from] : [],
    );
    return nearest(
      picture,
      here,
      [...new Set(ends)].filter((end) => picture.boxes.has(end)),
    );
  }
  const row = siblings(picture, key);
  // Where the graph runs down and nothing is beside, → and ← lead on and back all the same.
  if (row.length === 1 && picture.down) return neighbour(picture, key, way === "next" ? "user" : "input");
  return row[row.indexOf(key) + (way === "next" ? 1 : -1)];
}

/** A box and those beside it, across the flow: in its rank, or sharing its users or inputs. */
export function siblings(picture: Picture, key: string): string[] {
  const here = picture.boxes.get(key);
  if (!here) return [];
  const found = new Set([key]);
  const ends = (of: string, side: "from" | "to") =>
    picture.lines.flatMap((line) => (line[side === "from" ? "to" : "from"] === of ? [line[side]] : []));
  for (const user of ends(key, "to")) for (const other of ends(user, "from")) found.add(other);
  for (const input of ends(key, "from")) for (const other of ends(input, "to")) found.add(other);
  const [low, high] = span(here, picture.down);
  for (const [other, rect] of picture.boxes) {
    const [a, b] = span(rect, picture.down);
    if (Math.min(b, high) - Math.max(a, low) > 0) found.add(other);
  }
  const across = (k: string) =>
    centre(picture.boxes.get(k)!)[picture.down ? 0 : 1] * (picture.down && picture.mirrored ? -1 : 1);
  return [...found].filter((k) => picture.boxes.has(k)).sort((a, b) => across(a) - across(b) || (a < b ? -1 : 1));
}

const span = ([x, y, w, h]: Rect, down: boolean): [number, number] => (down ? [y, y + h] : [x, x + w]);
const centre = ([x, y, w, h]: Rect): [number, number] => [x + w / 2, y + h / 2];

function nearest(picture: Picture, here: Rect, keys: string[]): string | undefined {
  const [x, y] = centre(here);
  const far = (key: string) => {
    const [a, b] = centre(picture.boxes.get(key)!);
    return Math.hypot(a - x, b - y);
  };
  return keys.sort((a, b) => far(a) - far(b))[0];
}

/** The name of the view in which a group is open, or shut again; undefined where the trace has none. */
export function toggled(content: Content, from: string, key: string, base = "first"): string | undefined {
  const view = viewOf(content, from);
  const group = content.groups[key];
  if (!group) return undefined;
  if (!(key in view.f))
    return `open:${key}` in content.views ? `open:${key}` : "all" in content.views ? "all" : undefined;
  if (`close:${key}` in content.views) return `close:${key}`;
  if (from === `open:${key}`) return `open:${group.in}` in content.views ? `open:${group.in}` : base;
  return "closed" in content.views ? "closed" : base;
}

/** The innermost open group around a box; undefined if there is none. */
export function around(content: Content, view: View, key: string): string | undefined {
  const node = content.groups[key]?.n[0] ?? Number(key.slice(1));
  return Object.keys(view.f)
    .filter((frame) => frame !== key && content.groups[frame]?.n.includes(node))
    .pop();
}
