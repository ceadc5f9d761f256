/** Pixels: how values become colours and lines. Nothing is computed here that a network computes. */

export type Colour = [number, number, number];

/** A colour of theme.css as numbers; where the system forces its palette, a name such as Canvas stands there. */
export function token(name: string): Colour {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const named = text.startsWith("#") ? null : document.createElement("canvas").getContext("2d");
  if (named) named.fillStyle = text;
  const digits = String(named?.fillStyle ?? text).replace("#", "");
  const wide = digits.length === 3 ? [...digits].map((d) => d + d).join("") : digits;
  return [0, 2, 4].map((i) => parseInt(wide.slice(i, i + 2), 16) || 0) as Colour;
}

const forced = matchMedia("(forced-colors: active)");

interface Colours {
  map: Uint8ClampedArray;
  units: Uint8ClampedArray;
  ink: string;
  paper: string;
  plus: string;
  minus: string;
}
let known: { theme: string; colours: Colours } | undefined;

/** The colours of the theme that is shown, looked up once for each. */
export function colours(): Colours {
  const theme = `${document.documentElement.dataset.theme ?? ""}${forced.matches ? " forced" : ""}`;
  if (known?.theme !== theme) {
    const [paper, plus, minus, ink] = [token("--paper"), token("--plus"), token("--minus"), token("--ink")];
    const css = (colour: Colour) => `rgb(${colour.join()})`;
    known = {
      theme,
      colours: {
        map: palette(paper, plus, minus),
        units: palette(paper, plus, minus, 0.85),
        ink: css(ink),
        paper: css(paper),
        plus: css(plus),
        minus: css(minus),
      },
    };
  }
  return known.colours;
}

/** 256 colours from −1 to 1: the minus colour, paper, the plus colour. */
export function palette(paper: Colour, plus: Colour, minus: Colour, most = 0.58): Uint8ClampedArray {
  const colours = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const value = (i - 127.5) / 127.5;
    const share = most * Math.abs(value) ** 0.8;
    const end = value > 0 ? plus : minus;
    for (let c = 0; c < 3; c++) colours[4 * i + c] = (paper[c] as number) * (1 - share) + (end[c] as number) * share;
    colours[4 * i + 3] = 255;
  }
  return colours;
}

/** Paint bytes (0 is −1, 255 is 1) row by row. */
export function heat(
  canvas: HTMLCanvasElement,
  values: Uint8Array,
  at: number,
  side: number,
  palette: Uint8ClampedArray,
) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  if (!context || values.length < at + side * side) return;
  const image = context.createImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  const paints = new Uint32Array(palette.buffer);
  for (let i = 0; i < side * side; i++) words[i] = paints[values[at + i] as number] as number;
  context.putImageData(image, 0, 0);
}

/**
 * The line on which the values are `level`, as segments [x1, y1, x2, y2] in units of cells (marching squares over the
 * cells' middles).
 */
export function contour(values: ArrayLike<number>, side: number, level = 127.5): number[] {
  const found: number[] = [];
  const at = (x: number, y: number) => (values[y * side + x] as number) - level;
  for (let y = 0; y + 1 < side; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)] as const;
      const up = corners.map((c) => c > 0);
      if (up.every(Boolean) || !up.some(Boolean)) continue;
      const crossed: [number, number][] = [];
      const places = [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ] as const;
      for (let i = 0; i < 4; i++) {
        const j = (i + 1) % 4;
        if (up[i] === up[j]) continue;
        const share = (corners[i] as number) / ((corners[i] as number) - (corners[j] as number));
        const [ax, ay] = places[i] as readonly [number, number];
        const [bx, by] = places[j] as readonly [number, number];
        crossed.push([x + 0.5 + ax + share * (bx - ax), y + 0.5 + ay + share * (by - ay)]);
      }
      for (let i = 0; i + 1 < crossed.length; i += 2) {
        found.push(...(crossed[i] as [number, number]), ...(crossed[i + 1] as [number, number]));
      }
    }
  }
  return found;
}

/** How wide a line for a weight is: by its size beside the largest. */
export const widthOf = (value: number, most: number): number =>
  most > 0 && Number.isFinite(value) ? 0.5 + 3.8 * Math.sqrt(Math.min(1, Math.abs(value) / most)) : 0.6;

export const FAINTEST = -8;
export const LARGEST = 2;

/** Where a size stands between 10⁻⁸ and 10², from 0 to 1, by its exponent. */
export function exponent(size: number): number {
  if (Number.isNaN(size)) return 1;
  if (!(size > 0)) return 0;
  if (!Number.isFinite(size)) return 1;
  return Math.min(1, Math.max(0, (Math.log10(size) - FAINTEST) / (LARGEST - FAINTEST)));
}

/** How wide a line for a gradient is: by its exponent, since gradients differ by orders of magnitude. */
export const gradientWidth = (value: number): number => 0.4 + 4.5 * exponent(Math.abs(value)) ** 1.5;
