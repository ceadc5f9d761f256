/** The keys of the walk, the same on every page that has one. */

import { useLayoutEffect } from "preact/hooks";
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

/** What the list of the keys is found by. */
export const HELP = "keys-help";

/** The keys of a page that is a walk, wherever the focus is, unless it is where one types; and keys of its own. */
export function useKeys(walk: () => Walk | null, own: Record<string, () => void> = {}): void {
  useLayoutEffect(() => {
    const all: Record<string, () => void> = {
      "/": () => document.querySelector<HTMLInputElement>("[data-find]")?.focus(),
      "?": () => document.querySelector<HTMLDialogElement>(`#${HELP}`)?.showModal(),
      ...own,
    };
    const handle = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
      const through = walk();
      if (through && walkKeys(through)(event)) return;
      const act = all[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", handle);
    return () => removeEventListener("keydown", handle);
  }, []);
}
