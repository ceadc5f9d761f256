/** Points on the plane: told apart by shape as well as by colour, hollow where they are kept for testing. */
import { colours } from "./paint";
import type { Scene } from "./types";

/** Draw all points of a scene. */
export function drawPoints(canvas: HTMLCanvasElement, scene: Scene): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { points, held, span, quantity } = scene;
  const size = canvas.width;
  context.clearRect(0, 0, size, size);
  const most = size / (held.length > 500 ? 110 : 84);
  const { plus, minus, paper } = colours();
  for (let i = 0; i < held.length; i++) {
    const [x, y, target] = [points[3 * i] as number, points[3 * i + 1] as number, points[3 * i + 2] as number];
    const px = ((x + span) / (2 * span)) * size;
    const py = ((span - y) / (2 * span)) * size;
    const r = quantity ? most * (0.45 + 0.75 * Math.min(1, Math.abs(target))) : most;
    context.beginPath();
    if (target > 0) context.arc(px, py, r, 0, 2 * Math.PI);
    else context.rect(px - 0.9 * r, py - 0.9 * r, 1.8 * r, 1.8 * r);
    const colour = target > 0 ? plus : minus;
    if (held[i]) {
      context.fillStyle = paper;
      context.fill();
      context.lineWidth = Math.max(1.5, most * 0.45);
      context.strokeStyle = colour;
    } else {
      context.fillStyle = colour;
      context.fill();
      context.lineWidth = Math.max(1, most * 0.25);
      context.strokeStyle = paper;
    }
    context.stroke();
  }
}

/** The sign of the values here and there, for who cannot tell the colours. */
export function drawSigns(context: CanvasRenderingContext2D, values: Uint8Array, side: number): void {
  const size = context.canvas.width;
  context.fillStyle = colours().ink;
  context.font = `${Math.round(size / 22)}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let y = 4; y < side; y += 8) {
    for (let x = 4; x < side; x += 8) {
      const value = values[y * side + x] as number;
      const sign = value > 140 ? "+" : value < 115 ? "−" : "";
      if (sign) context.fillText(sign, ((x + 0.5) / side) * size, ((y + 0.5) / side) * size);
    }
  }
}
