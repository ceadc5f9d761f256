/** Where springs, confluences and the ocean lie, and the courses of the streams between them. */
import type { Content } from "../engine/types";
import { finite, scalar } from "./types";

export interface Place {
  node: number;
  name: string;
  x: number;
  y: number;
  gradient: number;
  /** An input at the far end of the river; the loss is its ocean. */
  spring: boolean;
  ocean: boolean;
  /** The edges by which the gradient comes here. */
  streams: number[];
}

export interface Stream {
  edge: number;
  from: number;
  to: number;
  product: number;
  d: string;
}

export interface RiverMap {
  height: number;
  places: Place[];
  streams: Stream[];
}

/** Below this width the river runs down the page instead of along it. */
const NARROW = 560;
const MARGIN = 30;

export function riverOf(content: Content, width: number, mirrored: boolean): RiverMap {
  const { nodes, edges, result } = content.trace;
  const running = edges.flatMap((edge, i) => (edge.product ? [{ ...edge, i }] : []));
  const into = (node: number) => running.filter((edge) => edge.to === node);
  // How far each lies from the ocean, by the longest way, and its row: springs in the order of a walk up the river.
  const far = new Map<number, number>([[result.node, 0]]);
  for (let node = nodes.length - 1; node >= 0; node--) {
    for (const edge of into(node)) far.set(edge.from, Math.max(far.get(edge.from) ?? 0, (far.get(node) ?? 0) + 1));
  }
  const row = new Map<number, number>();
  let rows = 0;
  const climb = (node: number): number => {
    const known = row.get(node);
    if (known !== undefined) return known;
    const above = into(node).map((edge) => climb(edge.from));
    const here = above.length ? above.reduce((sum, one) => sum + one, 0) / above.length : rows++;
    row.set(node, here);
    return here;
  };
  climb(result.node);
  const deep = Math.max(...far.values(), 1);
  const narrow = width < NARROW;
  const height = narrow ? 430 : Math.max(220, rows * 52 + 2 * MARGIN);
  const place = (node: number): [number, number] => {
    const spring = !into(node).length;
    // Springs stand together at the far end, as the sources of a river do on a map.
    const along = 1 - (spring ? deep : (far.get(node) ?? 0)) / deep;
    const across = rows > 1 ? (row.get(node) ?? 0) / (rows - 1) : 0.5;
    const room = (narrow ? height : width) - 2 * MARGIN;
    const side = (narrow ? width : height) - 2 * MARGIN;
    const [a, b] = [MARGIN + along * room, MARGIN + across * side];
    const [x, y] = narrow ? [b, a] : [a, b];
    return [mirrored ? width - x : x, y];
  };
  const at = new Map([...far.keys()].map((node) => [node, place(node)]));
  return {
    height,
    places: [...far.keys()].map((node) => ({
      node,
      name: nodes[node]!.name,
      x: at.get(node)![0],
      y: at.get(node)![1],
      gradient: scalar(nodes[node]!.gradient),
      spring: !into(node).length,
      ocean: node === result.node,
      streams: running.filter((edge) => edge.from === node).map((edge) => edge.i),
    })),
    streams: running.map((edge) => ({
      edge: edge.i,
      from: edge.from,
      to: edge.to,
      product: edge.product && "data" in edge.product ? finite(edge.product.data as number) : Number.NaN,
      d: course(at.get(edge.to)!, at.get(edge.from)!, narrow),
    })),
  };
}

/** From the ocean's side up to the spring's, along a soft bend. */
function course([x1, y1]: [number, number], [x2, y2]: [number, number], narrow: boolean): string {
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const bend = narrow ? `${x1} ${my} ${x2} ${my}` : `${mx} ${y1} ${mx} ${y2}`;
  return `M${x1} ${y1}C${bend} ${x2} ${y2}`;
}
