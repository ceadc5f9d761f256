/** The keys of the walk, the same on every page that has one. */

import { mirrored } from "../graph/direction";
import type { Walk } from "./walk";

/** Whether the keys typed into this element are its own. */
export function types(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.closest) return false;
  return Boolean(
    element.closest(
      "input, textarea, select, [contenteditable=true], [role=slider], [role=tab], [role=menu], dialog[open]",
    ),
  );
}

/** A handler for keydown: Space plays, arrows step (→ forward; ← in pages that run right to left), Home and End. */
export function walkKeys(walk: Walk): (event: KeyboardEvent) => boolean {
  return (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return false;
    const ahead = mirrored.value ? "ArrowLeft" : "ArrowRight";
    const behind = mirrored.value ? "ArrowRight" : "ArrowLeft";
    const pressed = (event.target as HTMLElement | null)?.closest?.("button, a, summary, [role=button]");
    const key = event.key;
    if (key === " " && pressed) return false;
    const act: Record<string, () => void> = {
      " ": walk.toggle,
      [ahead]: walk.forward,
      [behind]: walk.back,
      ".": walk.forward,
      ",": walk.back,
      Home: walk.first,
      End: walk.last,
    };
    const found = act[key];
    if (!found) return false;
    event.preventDefault();
    found();
    return true;
  };
}
