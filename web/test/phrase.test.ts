/** Sentences of the engine as a beginner reads them. */
import { describe, expect, it } from "vitest";
import worked from "./content/worked.json";
import { formula, phrase, told } from "../src/walk/phrase";
import type { Stop } from "../src/graph/model";

describe("what a stop says", () => {
  it("names operations by words and writes formulas as the boxes do", () => {
    const said = (worked.trace.frames as unknown as Stop[]).map(phrase);
    expect(said[1]).toBe("multiply: w·x = 6, from w = 2 and x = 3.");
    expect(said[3]).toBe("power: L = (w·x − y)² = 16, from w·x − y = −4.");
    expect(said[5]).toBe("power: dL/d(w·x − y): upstream 1 × local −8 = −8.");
    for (const sentence of said) expect(sentence).not.toMatch(/\*|\b(mul|sub|pow)\b/);
  });
  it("leaves alone what is no formula", () => {
    expect(formula("x**2.5")).toBe("x**2.5");
    expect(told({ text: "{operation} in {name}", args: { operation: "log_softmax", name: "layer-1" } })).toBe(
      "log softmax in layer-1",
    );
  });
});
