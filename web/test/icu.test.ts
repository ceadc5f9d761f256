import IntlMessageFormat from "intl-messageformat";
import { describe, expect, it } from "vitest";
import { choose, languages, number, say, t } from "../src/i18n/t";
import { parse } from "../src/i18n/icu";

const ISOLATES = /[\u2066-\u2069]/g;

const TEMPLATES: [string, Record<string, string | number>][] = [
  ["nothing to fill in", {}],
  ["{a} and {b}", { a: "x", b: "y" }],
  ["{n, plural, =0 {none} one {# step} other {# steps of {a}}}", { n: 0, a: "w" }],
  ["{n, plural, =0 {none} one {# step} other {# steps of {a}}}", { n: 1, a: "w" }],
  ["{n, plural, =0 {none} one {# step} other {# steps of {a}}}", { n: 1200, a: "w" }],
  ["{x, select, up {rises} other {falls}} by {n}", { x: "up", n: 3 }],
  ["{x, select, up {rises} other {falls}} by {n}", { x: "left", n: 3 }],
  ["it''s '{'literal'}', don't worry", {}],
  ["{n, plural, zero {a} one {b} two {c} few {d #} many {e #} other {f #}}", { n: 7 }],
];

describe("templates", () => {
  for (const language of languages) {
    it(`are filled in as intl-messageformat does, in ${language.code}`, async () => {
      await choose(language.code);
      for (const [template, args] of TEMPLATES) {
        const oracle = new IntlMessageFormat(template, `${language.locale}-u-nu-latn`);
        expect(t(template, args).replace(ISOLATES, "")).toBe(oracle.format(args));
      }
    });
  }

  it("take every plural form of Arabic", async () => {
    await choose("ar");
    const template = "{n, plural, zero {0} one {1} two {2} few {few} many {many} other {other}}";
    expect([0, 1, 2, 3, 10, 11, 99, 100, 102].map((n) => t(template, { n }))).toEqual([
      "0",
      "1",
      "2",
      "few",
      "few",
      "many",
      "many",
      "other",
      "other",
    ]);
  });

  it("keep what runs from left to right together in Arabic", async () => {
    await choose("ar");
    expect(t("{a}", { a: "w * x" })).toBe("\u2066w * x\u2069");
    expect(t("{a}", { a: "مرحبا" })).toBe("مرحبا");
  });

  it("say messages inside messages, and lists", async () => {
    await choose("en");
    const message = { text: "{a}: {all}", args: { a: { text: "node {n}", args: { n: 1 } }, all: ["x", "y"] } };
    expect(say(message)).toBe("node 1: x, y");
  });

  it("hide the context that is for translators", async () => {
    await choose("en");
    expect(t("theme|Light")).toBe("Light");
  });

  it("are refused where they cannot be read", () => {
    for (const wrong of ["{", "}", "{a", "{n, plural, one {x}}", "{a, date}"]) {
      expect(() => parse(wrong)).toThrow(SyntaxError);
    }
  });
});

describe("numbers", () => {
  it("have a minus of their own and the digits that count", async () => {
    await choose("en");
    expect([-24, 0.1 + 0.2, 1234567, 1e-7, 0].map((x) => number(x))).toEqual([
      "−24",
      "0.3",
      "1.235·10⁶",
      "1·10⁻⁷",
      "0",
    ]);
    expect([Infinity, -Infinity, NaN, "inf"].map((x) => number(x))).toEqual(["∞", "−∞", "NaN", "∞"]);
  });
});

it("there are the languages whose folders there are", () => {
  const folders = Object.keys(import.meta.glob("../../src/upriver/i18n/*/language.json"));
  expect(languages.map((one) => one.code).sort()).toEqual(folders.map((path) => path.split("/").at(-2)).sort());
});
