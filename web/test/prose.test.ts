// @vitest-environment node
/** The real prose: what the build would refuse, as a list. Translators run it: npx vitest run test/prose.test.ts */
import { expect, it } from "vitest";
import { compileAll, PLACES } from "../build/content.ts";

it("is whole, and the same in every language", () => {
  const draft = process.env["UPRIVER_DRAFT"] === "1";
  const { problems } = compileAll(PLACES.prose, PLACES.figures);
  expect(problems.filter((problem) => !(draft && problem.endsWith("is not there")))).toEqual([]);
});
