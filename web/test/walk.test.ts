import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { conceals, createWalk, PACE, shownOf, type Walk } from "../src/walk/walk";
import { contentOf } from "./contents";

const worked = contentOf("worked");
const network = contentOf("network");

describe("the walk", () => {
  let walk: Walk;
  beforeEach(() => {
    vi.useFakeTimers();
    walk = createWalk(signal(worked));
  });
  afterEach(() => {
    walk.dispose();
    vi.useRealTimers();
  });

  it("goes forward and back, and not beyond its ends", () => {
    walk.back();
    expect(walk.pos.value).toBe(0);
    walk.forward();
    expect([walk.pos.value, walk.frame.value.phase]).toEqual([1, "forward"]);
    walk.last();
    walk.forward();
    expect(walk.pos.value).toBe(walk.count.value - 1);
    walk.back();
    expect(walk.pos.value).toBe(walk.count.value - 2);
  });

  it("opens the box that a step is about", () => {
    walk.forward();
    expect(walk.open.value).toBe(`n${walk.find("w * x")}`);
  });

  it("plays at its pace and stops at the end", () => {
    walk.speed.value = 2;
    walk.toggle();
    vi.advanceTimersByTime(PACE / 2 + 1);
    expect(walk.pos.value).toBe(1);
    vi.advanceTimersByTime(PACE * 20);
    expect([walk.pos.value, walk.playing.value]).toEqual([walk.count.value - 1, false]);
    walk.toggle();
    expect([walk.pos.value, walk.playing.value]).toEqual([0, true]);
  });

  it("stays at the end when the numbers change, and in its place elsewhere", () => {
    const content = signal(worked);
    const through = createWalk(content);
    through.last();
    content.value = contentOf("network");
    expect(through.pos.value).toBe(through.count.value - 1);
    through.go(3);
    content.value = structuredClone(worked);
    expect(through.pos.value).toBe(3);
    through.dispose();
  });

  it("keeps its place between steps by operation and by module", () => {
    const through = createWalk(signal(network), { stride: "module" });
    through.go(2);
    const { last } = through.frame.value;
    through.stride.value = "operation";
    expect(through.frame.value.last).toBe(last);
    expect(through.count.value).toBe(network.trace.frames.length);
    through.dispose();
  });

  it("finds and seeks by name", () => {
    walk.seek("w", "gradient");
    expect(walk.frame.value).toMatchObject({ phase: "backward" });
    expect(shownOf(walk, walk.find("w"))).toMatchObject({ gradient: "−24", sign: -1, whole: true });
    walk.seek("nothing", "value");
    expect(walk.frame.value.phase).toBe("backward");
  });

  it("gives no hidden number away", () => {
    walk.seek("w", "gradient");
    expect(conceals(walk)).toBe(false);
    walk.hidden.value = new Set(["g:w"]);
    expect(conceals(walk)).toBe(true);
    expect(shownOf(walk, walk.find("w")).gradientHidden).toBe(true);
    walk.last();
    expect(conceals(walk)).toBe(true);
    walk.first();
    expect(conceals(walk)).toBe(false);
  });

  it("knows what the engine can be asked again", () => {
    expect(walk.given.value).toEqual({ expression: "(w*x - y)**2", values: { w: 2, x: 3, y: 10 } });
    const foreign = structuredClone(worked);
    delete foreign.values;
    expect(createWalk(signal(foreign)).given.value).toBeNull();
  });
});
