/** The lab's keys, wherever the focus is, unless it is where one types. */

import { useLayoutEffect } from "preact/hooks";
import { types, walkKeys } from "../walk/keys";
import type { Lab } from "./state";

export const HELP = "lab-help";

export function useKeys(lab: Lab): void {
  useLayoutEffect(() => {
    const handle = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
      const walk = lab.walk.peek();
      if (walk && walkKeys(walk)(event)) return;
      const act: Record<string, () => void> = {
        h: () => (lab.predict.value = !lab.predict.peek()),
        g: () => (lab.tab.value = "check"),
        "/": () => document.querySelector<HTMLInputElement>("[data-find]")?.focus(),
        "?": () => document.querySelector<HTMLDialogElement>(`#${HELP}`)?.showModal(),
      };
      const found = act[event.key.toLowerCase()];
      if (!found) return;
      event.preventDefault();
      found();
    };
    addEventListener("keydown", handle);
    return () => removeEventListener("keydown", handle);
  }, []);
}
