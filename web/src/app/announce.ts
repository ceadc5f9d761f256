/** What a screen reader is told without the focus moving: one live region for all. */
import { signal } from "@preact/signals";

export const announced = signal("");

/** Say this. The same words twice are said twice. */
export function announce(text: string): void {
  announced.value = announced.value === text ? `${text}\u00a0` : text;
}
