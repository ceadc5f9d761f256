/** Progress: what is counted, kept, taken along; files of others are refused. */
import { beforeEach, expect, it } from "vitest";
import { asFile, count, fromFile, markAnswered, markRead, progress, reset, share, write } from "../src/progress/store";

beforeEach(() => {
  reset();
  count(["section one", "section two", "check a", "predict b"]);
});

it("counts sections read and questions answered rightly", () => {
  expect(share.value).toBe(0);
  markRead("one");
  markRead("one");
  markRead("elsewhere");
  markAnswered("check a", 2, false);
  expect(share.value).toBe(0.25);
  markAnswered("check a", 1, true);
  expect(share.value).toBe(0.5);
  expect(progress.value.answers["check a"]).toEqual({ given: 1, right: true, tries: 2 });
  markAnswered("check a", 0, false);
  expect(share.value).toBe(0.5);
});

it("is taken along as a file", () => {
  markRead("one");
  write("why", "a thought");
  const file = asFile();
  reset();
  expect(fromFile(file)).toBe(true);
  expect(progress.value.read).toEqual(["one"]);
  expect(progress.value.thoughts).toEqual({ why: "a thought" });
});

it.each(["", "[", "null", "3", "{}", '{"version": 2, "read": []}', '{"version": 1}', "x".repeat(300_000)])(
  "refuses %.20j",
  (text) => {
    markRead("one");
    expect(fromFile(text)).toBe(false);
    expect(progress.value.read).toEqual(["one"]);
  },
);

it("takes from a damaged file what is sound in it", () => {
  const file = {
    version: 1,
    read: ["one", 3, null],
    answers: { "check a": { given: 1, right: true, tries: 1 }, "check b": "yes", "check c": null },
    thoughts: { why: "so", how: 7 },
  };
  expect(fromFile(JSON.stringify(file))).toBe(true);
  expect(progress.value.read).toEqual(["one"]);
  expect(Object.keys(progress.value.answers)).toEqual(["check a"]);
  expect(progress.value.thoughts).toEqual({ why: "so" });
});

it("is kept in the browser", () => {
  markRead("two");
  expect(JSON.parse(localStorage.getItem("upriver.progress") ?? "")).toMatchObject({ read: ["two"] });
});
