import { beforeEach, expect, it, vi } from "vitest";

beforeEach(() => vi.resetModules());

it("a link that was followed just now is not written over by what a page notes", async () => {
  history.replaceState(null, "", "#/lab");
  const { note, place } = await import("../src/app/router");
  note("#/lab?s=1");
  expect(location.hash).toBe("#/lab?s=1");
  // Followed, but not heard of yet: a timer of the page comes first.
  history.replaceState(null, "", "#/glossary");
  note("#/lab?s=2");
  expect(location.hash).toBe("#/glossary");
  dispatchEvent(new Event("hashchange"));
  expect(place.value.page).toBe("glossary");
  note("#/glossary/loss");
  expect(location.hash).toBe("#/glossary/loss");
});
