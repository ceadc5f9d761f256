/** Where the reader is: `#/lab?e=…` is the page "lab" with parameters, `#/learn/chain` the place "chain" in the lesson. */
import { signal } from "@preact/signals";

export interface Place {
  page: string;
  rest: string;
  parameters: URLSearchParams;
}

/** A link that was damaged on its way leads to the page, if not to the place. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [page = "", ...rest] = path.split("/");
  return { page: page || "learn", rest: decoded(rest.join("/")), parameters: new URLSearchParams(query) };
}

export const place = signal<Place>(parse(location.hash));
/** The link that the pages know of: between its being followed and being heard of, another one stands there. */
let known = location.hash;
addEventListener("hashchange", () => {
  known = location.hash;
  place.value = parse(known);
});

/** Go to a page, with an entry in the browser's history. */
export function go(hash: string): void {
  location.hash = hash;
}

/**
 * Write the state of the page into its link, with no entry in the history and without leaving the page.
 * A link that was followed just now is not written over.
 */
export function note(hash: string): void {
  if (location.hash !== known) return;
  history.replaceState(history.state, "", hash);
  known = location.hash;
}
