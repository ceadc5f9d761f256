import { describe, expect, it } from "vitest";
import { decode, encode } from "../src/engine/link";
import { stroke } from "../src/playground/drawing";
import { beside, curve, shapeOf } from "../src/playground/geometry";
import { createHistory } from "../src/playground/history";
import { fromLink, full, num, trainable } from "../src/playground/model";
import { presetOf, PRESETS } from "../src/playground/names";
import { contour, exponent, gradientWidth, palette, widthOf } from "../src/playground/paint";
import { placeOf, USUAL, type Part } from "../src/playground/types";

describe("where a parameter stands", () => {
  it("counts weights unit by unit, then biases, layer after layer", () => {
    const sizes = [2, 3, 1];
    const seen: number[] = [];
    for (let layer = 1; layer < sizes.length; layer++) {
      for (let unit = 0; unit < (sizes[layer] as number); unit++) {
        for (let from = 0; from < (sizes[layer - 1] as number); from++) seen.push(placeOf(sizes, layer, unit, from));
      }
      for (let unit = 0; unit < (sizes[layer] as number); unit++) seen.push(placeOf(sizes, layer, unit, "bias"));
    }
    expect(seen).toEqual([...Array(3 * 2 + 3 + 3 + 1).keys()]);
  });
});

describe("the way by arrow keys", () => {
  const sizes = [2, 4, 2, 1];
  const unit = (layer: number, n: number): Part => ({ side: 0, layer, unit: n, from: null });
  it("goes from a unit over a weight to a unit, and back", () => {
    const weight = beside(sizes, unit(1, 2), "ahead") as Part;
    expect(weight).toMatchObject({ layer: 2, from: 2 });
    expect(beside(sizes, weight, "ahead")).toEqual(unit(2, weight.unit));
    expect(beside(sizes, weight, "back")).toEqual(unit(1, 2));
  });
  it("stops at the edges", () => {
    expect(beside(sizes, unit(3, 0), "ahead")).toBeUndefined();
    expect(beside(sizes, unit(0, 0), "back")).toBeUndefined();
    expect(beside(sizes, unit(1, 0), "up")).toBeUndefined();
    expect(beside(sizes, unit(1, 3), "down")).toBeUndefined();
  });
  it("reaches every weight of a layer by going down", () => {
    let at: Part | undefined = { side: 0, layer: 2, unit: 0, from: 0 };
    let count = 0;
    for (; at; at = beside(sizes, at, "down")) count += 1;
    expect(count).toBe(8);
  });
});

describe("the network's shape", () => {
  it("is mirrored by x → W − x", () => {
    const [plain, mirrored] = [false, true].map((way) => shapeOf([2, 4, 1], 500, way));
    plain?.at.forEach((units, layer) =>
      units.forEach(([x, y], unit) => expect(mirrored?.at[layer]?.[unit]).toEqual([500 - x, y])),
    );
  });
  it("needs room for eight columns of sixteen units, and no more than it needs", () => {
    const shape = shapeOf([7, 16, 16, 16, 16, 16, 16, 1], 320, false);
    expect(shape.width).toBeLessThanOrEqual(520);
    expect(shape.height).toBeLessThan(560);
    expect(curve([0, 0], [100, 10], 20)).toBe("M10 0C50 0 50 10 90 10");
  });
});

describe("pictures", () => {
  it("finds the line on which values change sign, between the cells", () => {
    const side = 4;
    const values = Array.from({ length: side * side }, (_, i) => (i % side < 2 ? 100 : 155));
    const parts = contour(values, side);
    expect(parts.length / 4).toBe(3);
    for (let i = 0; i < parts.length; i += 2) expect(parts[i]).toBeCloseTo(2, 5);
    expect(
      contour(
        values.map(() => 10),
        side,
      ),
    ).toEqual([]);
  });
  it("has paper in the middle and the two colours at the ends", () => {
    const colours = palette([255, 255, 255], [0, 0, 200], [200, 0, 0], 1);
    expect([...colours.slice(0, 4)]).toEqual([200, 0, 0, 255]);
    expect([...colours.slice(-4)]).toEqual([0, 0, 200, 255]);
    expect(colours[4 * 127]).toBeGreaterThan(245);
  });
  it("draws sizes as widths, gradients by orders of magnitude", () => {
    expect(widthOf(-2, 2)).toBeGreaterThan(widthOf(1, 2));
    expect(widthOf(NaN, 2)).toBeLessThan(1);
    expect([0, 1e-8, 1e2, Infinity].map(exponent)).toEqual([0, 0, 1, 1]);
    expect(gradientWidth(1e-3)).toBeGreaterThan(gradientWidth(1e-6));
  });
});

describe("the history", () => {
  const moment = (step: number) => ({ step, train: 1 / (step + 1), test: 1, norms: [step, 2] });
  it("stays small, keeps the first and the latest, and the order", () => {
    let history = createHistory();
    for (let step = 0; step < 40_000; step += 7) history = history.add(moment(step));
    expect(history.steps.length).toBeLessThanOrEqual(1200);
    expect(history.steps[0]).toBe(0);
    expect(history.steps.at(-1)).toBe(39_998 - (39_998 % 7));
    expect([...history.steps]).toEqual([...history.steps].sort((a, b) => a - b));
    history.steps.forEach((step, i) => expect(history.norms[0]?.[i]).toBe(step));
    const gaps = history.steps.slice(1).map((step, i) => step - (history.steps[i] as number));
    expect(Math.max(...gaps)).toBeLessThan(200);
  });
  it("begins anew when the steps do, and tells a step once", () => {
    let history = createHistory().add(moment(0)).add(moment(5)).add(moment(5));
    expect([...history.steps]).toEqual([0, 5]);
    history = history.add(moment(9)).add(moment(7));
    expect([...history.steps]).toEqual([0, 5, 7]); // a lost process went on from where its state was kept
    history = history.add({ ...moment(0), norms: [1] });
    expect([history.steps.length, history.norms.length]).toEqual([1, 1]);
  });
});

describe("links and settings", () => {
  it("carry a state there and back; what is damaged gives the usual", () => {
    const state = { sides: [{ data: "xor", layers: [8, 8] }, { activation: "relu" }], speed: 5, at: 120 };
    expect(fromLink(new URLSearchParams({ s: encode(state) }))).toEqual(state);
    expect(decode("no")).toBeUndefined();
    for (const s of ["no", encode({ sides: [] }), encode(7)]) {
      expect(fromLink(new URLSearchParams({ s }))).toEqual({ sides: [{}] });
    }
    expect(fromLink(new URLSearchParams({ preset: "spiral" }))).toEqual(presetOf("spiral"));
    expect(full({ rate: 1 })).toEqual({ ...USUAL, rate: 1 });
  });
  it("know what can be trained", () => {
    expect(
      trainable(
        full({
          data: "drawn",
          drawn: [
            [0, 0, 1],
            [1, 1, 1],
            [2, 2, 1],
            [3, 3, 1],
          ],
        }),
      ),
    ).toBe(false);
    expect(
      trainable(
        full({
          data: "drawn",
          drawn: [
            [0, 0, 1],
            [1, 1, 0],
            [2, 2, 1],
            [3, 3, 1],
          ],
        }),
      ),
    ).toBe(true);
    expect(trainable(full({ data: "table", table: { text: " " } }))).toBe(false);
  });
  it("has a text for every preset", () => {
    for (const { id, title, look } of PRESETS) {
      expect(presetOf(id)?.sides.length).toBeGreaterThan(0);
      expect(title().length * look().length).toBeGreaterThan(0);
    }
  });
  it("reads the words for numbers that JSON has none for", () => {
    expect([num("inf"), num("-inf"), num(2)]).toEqual([Infinity, -Infinity, 2]);
    expect(num("nan")).toBeNaN();
  });
});

describe("drawing", () => {
  it("sets points, takes them away, and is bounded", () => {
    const some = stroke(stroke([], 1.234, 7, 1), -2, 0, 0);
    expect(some).toEqual([
      [1.23, 6, 1],
      [-2, 0, 0],
    ]);
    expect(stroke(some, -2.1, 0.1, "erase")).toEqual([[1.23, 6, 1]]);
    let many = some;
    for (let i = 0; i < 800; i++) many = stroke(many, ((i % 40) - 20) * 0.29, (Math.floor(i / 40) - 10) * 0.29, 1);
    expect(many.length).toBeLessThanOrEqual(500);
  });
});
