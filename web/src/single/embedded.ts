/** What the engine wrote into the file: the trace with its pictures, and what the page says in the reader's language. */

import type { Language } from "virtual:languages";
import type { Content } from "../engine/types";

export interface Embedded extends Content {
  title: string;
  language: Language;
  /** What of this page is said otherwise than in English. */
  catalogue: Record<string, string>;
}

/** Read it; where it is large it is compressed. */
export async function embedded(): Promise<Embedded> {
  const holder = document.getElementById("data") as HTMLElement;
  const text = holder.textContent ?? "";
  return JSON.parse("packed" in holder.dataset ? await unpacked(text) : text) as Embedded;
}

function unpacked(text: string): Promise<string> {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}
