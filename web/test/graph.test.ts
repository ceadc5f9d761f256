import { describe, expect, it } from "vitest";
import { around, neighbour, pathOf, pictureOf, siblings, toggled, viewOf, wayOf } from "../src/graph/geometry";
import { arrived, computed, gradientLabel, lit, modelOf } from "../src/graph/model";
import { contentOf } from "./contents";

const worked = contentOf("worked");
const shares = contentOf("shares");
const network = contentOf("network");
const idOf = (content: typeof worked, name: string) => content.trace.nodes.findIndex((node) => node.name === name);

describe("the model of a trace", () => {
  const model = modelOf(worked);
  const [w, product, root] = [idOf(worked, "w"), idOf(worked, "w * x"), worked.trace.result.node];

  it("knows what is computed after each frame", () => {
    expect(computed(model, w, 0)).toBe(true);
    expect(computed(model, product, 0)).toBe(false);
    expect(computed(model, product, 1)).toBe(true);
    expect(model.byOperation).toHaveLength(worked.trace.frames.length);
  });

  it("tells a gradient only once it has arrived, with the trace's own number", () => {
    const last = worked.trace.frames.length - 1;
    expect(gradientLabel(model, w, 4)).toBeUndefined();
    expect(gradientLabel(model, root, 4)).toEqual({ text: "1", sign: 1, whole: true });
    expect(gradientLabel(model, w, last)).toEqual({ text: "−24", sign: -1, whole: true });
  });

  it("lights the operation and what it reads going forward, the edge going back", () => {
    const forward = lit(model, 1, 1);
    expect([...forward.nodes]).toEqual([product]);
    expect([...forward.edges].map((i) => model.edges[i]!.from)).toEqual([w, idOf(worked, "x")]);
    expect(forward.back).toBe(false);
    const frame = worked.trace.frames.findIndex((one) => one.phase === "backward");
    expect(lit(model, frame, frame)).toMatchObject({ back: true, edges: new Set([worked.trace.frames[frame]!.edge]) });
  });

  it("adds up the shares of a value that is used several times, as the trace says they grow", () => {
    const model = modelOf(shares);
    const w = idOf(shares, "w");
    const told = model.arrivals[w]!.map(({ frame }) => gradientLabel(model, w, frame));
    expect(told).toEqual([
      { text: "1", sign: 1, whole: false },
      { text: "4", sign: 1, whole: false },
      { text: "7", sign: 1, whole: true },
    ]);
    expect(arrived(model, w, model.arrivals[w]![1]!.frame)).toMatchObject({ share: 2, shares: 3 });
  });

  it("puts back what the single-file page leaves out, and leaves what it was given alone", () => {
    const slim = structuredClone(worked);
    for (const edge of slim.trace.edges) delete edge.product;
    delete slim.trace.frames.at(-1)!.sentence;
    delete slim.trace.module_frames;
    const model = modelOf(slim);
    expect(model.edges[0]!.product).toEqual(worked.trace.nodes[model.edges[0]!.from]!.gradient);
    expect(model.frames.at(-1)!.sentence).toBe(worked.trace.result.sentence);
    expect(model.byModule).toHaveLength(worked.trace.frames.length);
    expect(slim.trace.edges[0]!.product).toBeUndefined();
  });

  it("says of a stop its own message before another's", () => {
    const slim = structuredClone(network);
    const stride = slim.trace.module_frames!.findIndex(({ first, last }) => first !== last);
    const own = { text: "own", args: {} };
    const other = { text: "other", args: {} };
    delete slim.trace.module_frames![stride]!.sentence;
    delete slim.trace.module_frames![stride]!.said;
    slim.trace.frames[slim.trace.module_frames![stride]!.first]!.said = other;
    expect(modelOf(structuredClone(slim)).byModule[stride]!.said).toEqual(other);
    slim.trace.module_frames![stride]!.said = own;
    expect(modelOf(slim).byModule[stride]!.said).toEqual(own);
  });
});

describe("where things are", () => {
  const model = modelOf(worked);
  const view = viewOf(worked, "first");

  it("mirrors by x → W − x", () => {
    const [plain, turned] = [pictureOf(model, view, false), pictureOf(model, view, true)];
    for (const [key, [x, y, w, h]] of plain.boxes) expect(turned.boxes.get(key)).toEqual([view.w - x - w, y, w, h]);
    expect(pictureOf(model, view, true).lines[0]!.path).not.toBe(plain.lines[0]!.path);
  });

  it("draws straight along the flow and an S across it", () => {
    expect(pathOf([0, 5, 10, 5], false)).toBe("M0 5L10 5");
    expect(pathOf([0, 0, 10, 6], false)).toBe("M0 0C5 0 5 6 10 6");
    expect(pathOf([0, 0, 6, 10], true)).toBe("M0 0C0 5 6 5 6 10");
  });

  it("follows the lines with the arrow keys, turned with the page", () => {
    const picture = pictureOf(model, view, false);
    const [w, x, product, root] = ["w", "x", "w * x"]
      .map((name) => `n${idOf(worked, name)}`)
      .concat(`n${worked.trace.result.node}`);
    expect(neighbour(picture, w!, wayOf("ArrowRight", picture)!)).toBe(product);
    expect([w, x]).toContain(neighbour(picture, product!, wayOf("ArrowLeft", picture)!));
    expect(siblings(picture, w!)).toEqual([w, x].sort((a, b) => picture.boxes.get(a!)![1] - picture.boxes.get(b!)![1]));
    expect(neighbour(picture, root!, "user")).toBeUndefined();
    expect(wayOf("ArrowLeft", { down: false, mirrored: true })).toBe("user");
    expect(wayOf("ArrowDown", { down: true, mirrored: false })).toBe("user");
    expect(wayOf("x", picture)).toBeUndefined();
  });

  it("reaches every box from the result, in every view", () => {
    for (const content of [worked, shares, network]) {
      for (const name of Object.keys(content.views)) {
        const picture = pictureOf(modelOf(content), viewOf(content, name), false);
        const seen = new Set([[...picture.boxes.keys()].at(-1)!]);
        for (const key of seen) {
          for (const way of ["user", "input", "next", "before"] as const) {
            const to = neighbour(picture, key, way);
            if (to !== undefined) seen.add(to);
          }
        }
        expect([name, seen.size]).toEqual([name, picture.boxes.size]);
      }
    }
  });

  it("opens and closes modules by the views that there are", () => {
    const group = Object.keys(network.groups)[0]!;
    const opened = toggled(
      network,
      "closed",
      Object.keys(viewOf(network, "closed").b).find((key) => key in network.groups)!,
    );
    expect(opened).toMatch(/^(open:|all)/);
    const closed = toggled(network, "first", group)!;
    expect(viewOf(network, closed).f).not.toHaveProperty(group);
    const inside = `n${network.groups[group]!.n.at(-1)}`;
    expect(around(network, viewOf(network, "first"), inside)).toBe(group);
  });
});
