import { describe, expect, it } from "vitest";
import { contentOf as drawn } from "../src/lab/offline";
import { gradientLabel, modelOf } from "../src/graph/model";
import { contentOf } from "./contents";

describe("a trace drawn without the engine", () => {
  it.each(["worked", "shares", "network"] as const)(
    "%s: every box apart from the others, every line forward",
    (name) => {
      const { trace } = contentOf(name);
      const content = drawn(trace);
      const view = content.views.first!;
      if (typeof view === "string") throw new Error("no view");
      const boxes = Object.values(view.b);
      expect(boxes.length).toBe(trace.nodes.filter((node) => node.kind !== "constant" || node.gradient).length);
      boxes.forEach(([x, y, w, h], i) => {
        expect(x >= 0 && y >= 0 && x + w <= view.w && y + h <= view.h + 1).toBe(true);
        for (const [a, b, c, d] of boxes.slice(i + 1))
          expect(x + w <= a || a + c <= x || y + h <= b || b + d <= y).toBe(true);
      });
      for (const { r } of view.l) expect(r[2]!).toBeGreaterThan(r[0]!);
      expect(new Set(view.l.flatMap((line) => line.e)).size).toBe(trace.edges.length);
    },
  );

  it("says the numbers of the trace", () => {
    const { trace } = contentOf("worked");
    const w = trace.nodes.findIndex((node) => node.name === "w");
    expect(gradientLabel(modelOf(drawn(trace)), w, trace.frames.length)).toEqual({
      text: "−24",
      sign: -1,
      whole: true,
    });
  });

  it("refuses what is none, what is newer, and what is damaged", () => {
    const { trace } = contentOf("worked");
    for (const wrong of [
      null,
      3,
      [],
      {},
      { ...trace, version: 2 },
      { ...trace, nodes: [{}] },
      { ...trace, frames: [{ phase: "forward", node: 99 }] },
    ]) {
      expect(() => drawn(wrong)).toThrow();
    }
    const turned = structuredClone(trace);
    turned.edges[0]!.to = turned.edges[0]!.from;
    expect(() => drawn(turned)).toThrow(/damaged/);
  });
});
