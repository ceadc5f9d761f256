/** What the figures share: their questions, the plane, the river's map, the order of answers. */
import { describe, expect, it } from "vitest";
import { choices, labLink, mistake, prediction, request } from "../src/figures/data";
import { pathOf, plane, ticks } from "../src/figures/plane";
import { riverOf } from "../src/figures/river-map";
import { finite } from "../src/figures/types";
import { order } from "../src/lesson/check";
import type { Content } from "../src/engine/types";

describe("questions", () => {
  it("are those of figures.json with what is varied set", () => {
    const made = request("chain", 0, { "values.a": 0.25 });
    expect(made.with["values"]).toEqual({ a: 0.25, b: 30, t: 1 });
    expect(request("chain", 0).with["values"]).toEqual({ a: 0.5, b: 30, t: 1 });
    expect(() => request("chain", 7)).toThrow("no question 7 of chain");
  });

  it("begin at a place that is recorded", () => {
    for (const [figure, path, start] of [
      ["forward", "values.x2", 3],
      ["nudge", "by", 0.5],
      ["update", "lr", 0.1],
      ["flow", "depth", 10],
    ] as const) {
      expect(choices(figure, 0, path)).toContain(start);
    }
  });

  it("offer the right number among the wrong ones", () => {
    expect(prediction("worked-dw").choices).toContain(-24);
    expect(mistake("update-w", 1.76).with).toMatchObject({ kind: "update", lr: 0.01, given: 1.76 });
    expect(mistake("worked-dw", 3).with).not.toHaveProperty("kind");
  });

  it("are carried to the lab by a link", () => {
    expect(labLink("w*x + 1", { w: 2, x: [1, 2] })).toBe("#/lab?e=w*x%20%2B%201&w=2&x=[1,2]");
  });
});

describe("the plane", () => {
  const area = plane(200, 100, [0, 10], [0, 5]);

  it("puts numbers where they belong, and back", () => {
    expect([area.x(0), area.x(10)]).toEqual([area.left, area.right]);
    expect([area.y(0), area.y(5)]).toEqual([area.bottom, area.top]);
    expect(area.at(area.x(7))).toBeCloseTo(7);
    expect(pathOf(area, [[0, 0]])).toBe(`M${area.left}.0 ${area.bottom}.0`);
  });

  it("has round ticks and survives an empty range", () => {
    expect(ticks([0, 10])).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks([-0.5, 7.5], 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(ticks([3, 3])).toEqual([3]);
    expect(ticks([0, Number.POSITIVE_INFINITY])).toEqual([0]);
  });
});

describe("the river", () => {
  const scalar = (data: number) => ({ shape: [], data });
  const content = {
    trace: {
      result: { node: 3, symbol: "L", sentence: "" },
      nodes: ["w", "x", "w * x", "L"].map((name, id) => ({ id, name, gradient: scalar(id) })),
      edges: [
        { from: 0, to: 2, input: 0, product: scalar(-24) },
        { from: 1, to: 2, input: 1 },
        { from: 2, to: 3, input: 0, product: scalar(-8) },
      ],
    },
  } as unknown as Content;

  it("runs from springs to the ocean, where gradients flow", () => {
    const map = riverOf(content, 800, false);
    expect(map.streams.map(({ product }) => product)).toEqual([-24, -8]);
    expect(map.places.filter(({ spring }) => spring).map(({ name }) => name)).toEqual(["w"]);
    const at = (name: string) => map.places.find((place) => place.name === name)!;
    expect(at("w").x).toBeLessThan(at("L").x);
  });

  it("is mirrored for pages from right to left, and runs down a narrow one", () => {
    const [wide, turned, narrow] = [
      riverOf(content, 800, false),
      riverOf(content, 800, true),
      riverOf(content, 300, false),
    ];
    expect(turned.places.map(({ x }) => 800 - x)).toEqual(wide.places.map(({ x }) => x));
    const ys = narrow.places.map(({ y }) => y);
    expect(Math.max(...ys) - Math.min(...ys)).toBeGreaterThan(300);
  });
});

it("numbers of the engine may be words", () => {
  expect([finite("inf"), finite("-inf"), finite("nan"), finite(2)]).toEqual([Infinity, -Infinity, NaN, 2]);
});

it("answers stand in an order of their own, always the same", () => {
  for (const id of ["local-derivatives", "vanishing", "meaning"]) {
    const found = order(id, 4);
    expect([...found].sort()).toEqual([0, 1, 2, 3]);
    expect(order(id, 4)).toEqual(found);
  }
  // Not always the first: the file puts the right one there.
  expect(
    new Set(["local-derivatives", "vanishing", "meaning"].map((id) => order(id, 4).indexOf(0))).size,
  ).toBeGreaterThan(1);
});
