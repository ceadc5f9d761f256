/** What another page hands over to the lab to be opened: a frozen step of the playground, a figure of the lesson. */

import { signal } from "@preact/signals";
import type { Content, Text } from "../engine/types";
import type { Given } from "../walk/walk";

export interface Incoming {
  content: Content;
  /** What it was computed from, if the engine may be asked more about it. */
  given?: Given | null;
  title?: Text;
  /** The hash of the page that it came from. */
  back?: string;
}

export const incoming = signal<Incoming | null>(null);

/** Open this in the lab. */
export function openInLab(found: Incoming): void {
  incoming.value = found;
  location.hash = "#/lab";
}
