import { describe, expect, it } from "vitest";
import { numberOf } from "../src/i18n/numberOf";

describe("a number that was typed", () => {
  it.each([
    ["1,000", 1000],
    ["1,000,000", 1e6],
    ["1 000", 1000],
    ["1\u202f000\u00a0000", 1e6],
    ["1'000", 1000],
    ["1,000.5", 1000.5],
    ["1.000,5", 1000.5],
    ["1.000.000", 1e6],
    ["1 000,5", 1000.5],
    ["0,5", 0.5],
    ["0,125", 0.125],
    ["1,5", 1.5],
    ["12,3456", 12.3456],
    ["1.000", 1],
    [",5", 0.5],
    [".5", 0.5],
    ["5.", 5],
    ["−24", -24],
    ["- 24", -24],
    ["+2", 2],
    ["1e3", 1000],
    ["2,5e-1", 0.25],
    ["6.2·10⁻⁸", 6.2e-8],
    ["-1.5×10^3", -1500],
    ["１，０００", 1000],
    ["３．５", 3.5],
    ["０、５", 0.5],
    ["ー２", -2],
    ["٢٤", 24],
    ["٠٫٥", 0.5],
    ["١٬٠٠٠٫٥", 1000.5],
    ["۱۲۳", 123],
    ["\u2066−24\u2069", -24],
  ])("%s", (text, value) => expect(numberOf(text, "en")).toBeCloseTo(value, 12));

  it.each(["", " ", "-", "1,00,000", "1,0000.5", "1 5", "10 00", "1,2,3", "1.2.3", "1,000,5", "0x10", "Infinity", "many", "1/3", "--1", "2 e", "1,000.5.6", "٫", "1٫2٫3", "1e"])(
    "%j is none, and is not cut",
    (text) => expect(numberOf(text, "en")).toBeNaN(),
  ); // prettier-ignore

  it("means what the reader's language means", () => {
    expect([numberOf("1,500", "en"), numberOf("1,500", "de")]).toEqual([1500, 1.5]);
    expect([numberOf("1.500", "en"), numberOf("1.500", "de")]).toEqual([1.5, 1500]);
    expect(["zh-Hans", "ja", "ar"].map((locale) => numberOf("1,000", locale))).toEqual([1000, 1000, 1000]);
  });
});
