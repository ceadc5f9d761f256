import { beforeEach, describe, expect, it } from "vitest";
import { notch, onGrid } from "../src/lab/DragNumber";
import { createDeriving } from "../src/lab/derive";
import { damaged, read, write } from "../src/lab/links";
import { createLab } from "../src/lab/state";
import { entryOf } from "../src/lab/target";
import { names, plain, tokens } from "../src/lab/tokens";
import type { Content } from "../src/engine/types";
import { contentOf } from "./contents";

/** An engine that answers when it is told to. */
function slow() {
  const asked: {
    name: string;
    given: Record<string, unknown>;
    answer(content: Content): void;
    fail(error: Error): void;
  }[] = [];
  const engine = (name: string, given: object) =>
    new Promise<Content>((answer, fail) => asked.push({ name, given: given as Record<string, unknown>, answer, fail }));
  return { asked, engine };
}
const turn = () => new Promise((done) => setTimeout(done));

describe("asking while a number is dragged", () => {
  it("has one question on its way, and asks the newest next", async () => {
    const { asked, engine } = slow();
    const deriving = createDeriving(engine);
    for (const w of [1, 2, 3, 4]) void deriving.derive({ kind: "expression", expression: "w*w" }, { w });
    expect(asked).toHaveLength(1);
    asked[0]!.answer(contentOf("worked"));
    await turn();
    expect(asked.map(({ given }) => given.values)).toEqual([{ w: 1 }, { w: 4 }]);
    expect(deriving.busy.value).toBe(true);
    asked[1]!.answer(contentOf("shares"));
    await turn();
    expect([deriving.busy.value, deriving.content.value?.source]).toEqual([false, "w*w + w"]);
    expect(deriving.trips.value).toHaveLength(2);
  });

  it("keeps the picture beside an error, and drops what comes after something else is shown", async () => {
    const { asked, engine } = slow();
    const deriving = createDeriving(engine);
    void deriving.derive({ kind: "expression", expression: "w*w" }, { w: 1 });
    asked[0]!.answer(contentOf("worked"));
    await turn();
    void deriving.derive({ kind: "expression", expression: "w*" }, { w: 1 });
    asked[1]!.fail(new Error("broken"));
    await turn();
    expect([deriving.error.value?.kind, deriving.content.value?.source]).toEqual(["internal", "(w*x - y)**2"]);
    void deriving.derive({ kind: "expression", expression: "w" }, { w: 1 });
    deriving.show(contentOf("network"));
    asked[2]!.answer(contentOf("shares"));
    await turn();
    expect(deriving.content.value?.names).toEqual(contentOf("network").names);
  });
});

describe("expressions and values", () => {
  it("finds the names that want a value", () => {
    expect(names("h = tanh(w1*x + b); sum((h - y)**2, axis=0)")).toEqual(["w1", "x", "b", "y"]);
    expect(names("2e3*a.b")).toEqual([]);
    expect(names("")).toEqual([]);
    expect(names("2x² + √y·|z| − sin²(v)π ÷ ŵ")).toEqual(["x", "y", "z", "v", "ŵ"]);
    expect(names(plain("w₁x₂ + ３ｚ"))).toEqual(["w1x2", "z"]);
  });

  it("loses no character in colouring", () => {
    for (const text of ["(w*x - y)**2", "  relu( 3.5e-2 * é ) == 1;", "§ 漢字*x", "a[0, 1] @ b"]) {
      expect(
        tokens(text)
          .map((token) => token.text)
          .join(""),
      ).toBe(text);
    }
  });

  it("asks of an array for the entry that is largest", () => {
    expect(entryOf(-24)).toEqual({ entry: [], answer: -24 });
    expect(entryOf([[1, -7], ["nan", 3]])).toEqual({ entry: [0, 1], answer: -7 }); // prettier-ignore
    expect([entryOf([]), entryOf("inf")]).toEqual([null, null]);
  });

  it("moves numbers in notches of their size, on a grid", () => {
    expect([notch(2), notch(0), notch(10), notch(-250)]).toEqual([0.1, 0.1, 1, 10]);
    expect(onGrid(0.1 + 0.2, 0.1)).toBe(0.3);
    expect(onGrid(-24.000001, 0.1)).toBe(-24);
  });
});

describe("links", () => {
  it("carry the whole state", () => {
    const saved = {
      e: "(w*x - y)**2",
      v: { w: 2.1, x: [1, 2] },
      at: 5,
      by: "operation" as const,
      open: "n3",
      view: "closed",
      tab: "check" as const,
    };
    expect(read(new URLSearchParams(write(saved).split("?")[1]))).toEqual(saved);
  });

  it("can be written by hand", () => {
    const short = new URLSearchParams("e=(w*x-y)**2&w=2&x=[1,2]&y=-1/3&at=4");
    expect(read(short)).toEqual({ e: "(w*x-y)**2", v: { w: 2, x: [1, 2], y: "-1/3" }, at: 4 });
    expect(read(new URLSearchParams(""))).toBeUndefined();
    expect(read(new URLSearchParams("s=%%%"))).toBeUndefined();
  });

  it("that were cut or changed are known", () => {
    const link = write({ e: "w*x", v: { w: 2 } }).split("?")[1]!;
    const broken = (text: string) => damaged(new URLSearchParams(text));
    expect([broken(link), broken("e=w*x"), broken("")]).toEqual([false, false, false]);
    expect([broken(link.slice(0, -6)), broken("s=%%%"), broken(write([] as object).split("?")[1]!)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  describe("restore", () => {
    let engine: ReturnType<typeof slow>;
    beforeEach(() => (engine = slow()));

    it("the place, what is open, and the values", async () => {
      const lab = createLab(createDeriving(engine.engine));
      lab.restore({ e: "w*w + w", v: { w: 3 }, at: 3, open: "n0", tab: "numbers" });
      expect(engine.asked[0]!.given).toEqual({ expression: "w*w + w", values: { w: 3 } });
      engine.asked[0]!.answer(contentOf("shares"));
      await turn();
      const walk = lab.walk.value!;
      expect([walk.at.value, walk.open.value, lab.tab.value]).toEqual([3, "n0", "numbers"]);
      expect(lab.save()).toMatchObject({ e: "w*w + w", v: { w: 3 }, at: 3, open: "n0" });
    });

    it("keeps the values of names that come back, and gives new ones 1", () => {
      const lab = createLab(createDeriving(engine.engine));
      lab.setExpression("w*x");
      lab.setValue("w", 7);
      lab.setExpression("v*v");
      expect(lab.values.value).toEqual({ v: 1 });
      lab.setExpression("w*x - y");
      expect(lab.values.value).toEqual({ w: 7, x: 3, y: 10 });
    });
  });
});
