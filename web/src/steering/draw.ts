/** The road, the car and its ways on a canvas: pixels only; all that is drawn was computed by the engine. */
import type { Moment, World } from "./state";

export interface Scene {
  world: World;
  pose: number[];
  seen: number[];
  trail: Moment[];
  past: Moment[];
  before: number[];
  off: boolean;
  asked: Moment | undefined;
  askedSaw: number[] | undefined;
  /** A line that the reader is drawing, x, y, x, y, … of the world. */
  drawn: number[];
}

/** From so large an error of the wheel on, the trail is drawn as a mistake. */
export const MISTAKE = 0.2;

type Ink = (token: string) => string;

export function paint(canvas: HTMLCanvasElement, width: number, scene: Scene): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const [w, h] = scene.world.size;
  const sharp = devicePixelRatio || 1;
  const scale = width / w;
  const height = Math.round(h * scale);
  if (canvas.width !== Math.round(width * sharp)) {
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.height = `${height}px`;
  }
  const css = getComputedStyle(canvas);
  const ink: Ink = (token) => css.getPropertyValue(token).trim();
  context.setTransform(sharp * scale, 0, 0, sharp * scale, 0, 0);
  context.clearRect(0, 0, w, h);
  context.lineCap = context.lineJoin = "round";
  road(context, scene.world, ink);
  line(context, scene.before, ink("--soft"), 0.006, [0.001, 0.014]);
  cross(context, scene.before.slice(-2), ink("--soft"));
  context.globalAlpha = 0.35;
  trail(context, scene.past, ink);
  context.globalAlpha = 1;
  trail(context, scene.trail, ink);
  if (scene.off) cross(context, scene.pose, ink("--bad"));
  rays(context, scene.world, scene.pose, scene.seen, ink("--now-line"));
  if (scene.pose.length) car(context, scene.pose, ink("--ink"), ink("--paper"));
  if (scene.asked) {
    const at = [scene.asked.x, scene.asked.y, scene.asked.heading];
    if (scene.askedSaw) rays(context, scene.world, at, scene.askedSaw, ink("--minus"));
    context.strokeStyle = ink("--minus");
    context.lineWidth = 0.008;
    context.beginPath();
    context.arc(scene.asked.x, scene.asked.y, 0.03, 0, 7);
    context.stroke();
  }
  line(context, scene.drawn, ink("--accent"), 0.01, []);
}

function line(context: CanvasRenderingContext2D, flat: number[], colour: string, width: number, dash: number[]): void {
  context.beginPath();
  for (let i = 0; i + 1 < flat.length; i += 2) context.lineTo(flat[i] as number, flat[i + 1] as number);
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

function road(context: CanvasRenderingContext2D, { middle, half }: World, ink: Ink): void {
  const path = new Path2D();
  for (let i = 0; i + 1 < middle.length; i += 2) path.lineTo(middle[i] as number, middle[i + 1] as number);
  path.closePath();
  context.strokeStyle = ink("--edge");
  context.lineWidth = 2 * half + 0.008;
  context.stroke(path);
  context.strokeStyle = ink("--road");
  context.lineWidth = 2 * half;
  context.stroke(path);
  context.strokeStyle = ink("--edge");
  context.lineWidth = 0.003;
  context.setLineDash([0.025, 0.025]);
  context.stroke(path);
  context.setLineDash([]);
  const [x = 0, y = 0, nextX = 0, nextY = 0] = middle;
  const turn = Math.atan2(nextY - y, nextX - x) + Math.PI / 2;
  context.strokeStyle = ink("--ink");
  context.lineWidth = 0.008;
  context.beginPath();
  context.moveTo(x - half * Math.cos(turn), y - half * Math.sin(turn));
  context.lineTo(x + half * Math.cos(turn), y + half * Math.sin(turn));
  context.stroke();
}

/** Where it was: a thin line where it steered well, a thick dashed one where it did not. */
function trail(context: CanvasRenderingContext2D, moments: Moment[], ink: Ink): void {
  let from = 0;
  while (from < moments.length - 1) {
    const wrong = error(moments[from] as Moment) > MISTAKE;
    let to = from + 1;
    while (to < moments.length - 1 && error(moments[to] as Moment) > MISTAKE === wrong) to += 1;
    context.beginPath();
    for (let i = from; i <= to; i++) context.lineTo((moments[i] as Moment).x, (moments[i] as Moment).y);
    context.strokeStyle = ink(wrong ? "--minus" : "--plus");
    context.lineWidth = wrong ? 0.013 : 0.006;
    context.setLineDash(wrong ? [0.012, 0.018] : []);
    context.stroke();
    from = to;
  }
  context.setLineDash([]);
}

const error = ({ did, right }: Moment): number => Math.abs(did - right);

function cross(context: CanvasRenderingContext2D, [x, y]: number[], colour: string): void {
  if (x === undefined || y === undefined) return;
  const r = 0.022;
  context.beginPath();
  context.moveTo(x - r, y - r);
  context.lineTo(x + r, y + r);
  context.moveTo(x + r, y - r);
  context.lineTo(x - r, y + r);
  context.strokeStyle = colour;
  context.lineWidth = 0.008;
  context.stroke();
}

function rays(context: CanvasRenderingContext2D, world: World, pose: number[], seen: number[], colour: string): void {
  const [x = 0, y = 0, heading = 0] = pose;
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 0.003;
  world.angles.forEach((angle, i) => {
    const far = (seen[i] ?? 0) * world.sight;
    const [toX, toY] = [x + far * Math.cos(heading + angle), y + far * Math.sin(heading + angle)];
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    context.stroke();
    context.beginPath();
    context.arc(toX, toY, 0.007, 0, 7);
    context.fill();
  });
}

function car(
  context: CanvasRenderingContext2D,
  [x = 0, y = 0, heading = 0]: number[],
  body: string,
  glass: string,
): void {
  context.save();
  context.translate(x, y);
  context.rotate(heading);
  context.fillStyle = body;
  context.beginPath();
  context.roundRect(-0.026, -0.015, 0.052, 0.03, 0.009);
  context.fill();
  context.fillStyle = glass;
  context.fillRect(0.004, -0.011, 0.009, 0.022);
  context.restore();
}
