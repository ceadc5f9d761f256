/** How the reader wants to see the pages: theme and motion, kept; the system's wish where nothing was chosen. */
import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "./keep";

export type Theme = "auto" | "light" | "dark" | "contrast";
export const THEMES: readonly Theme[] = ["auto", "light", "dark", "contrast"];

export const theme = signal<Theme>(kept<Theme>("theme") ?? "auto");
const chosenMotion = signal<boolean | undefined>(kept<boolean>("motion"));

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const contrast = matchMedia("(prefers-contrast: more)");
const forced = matchMedia("(forced-colors: active)");
const read = () => ({
  dark: dark.matches,
  still: still.matches,
  contrast: contrast.matches,
  forced: forced.matches,
});
const system = signal(read());
for (const query of [dark, still, contrast, forced]) query.addEventListener("change", () => (system.value = read()));

/** Whether things may move by themselves. */
export const motion = computed(() => chosenMotion.value ?? !system.value.still);

/** What is shown: light, dark or contrast (contrast-dark where the system is dark). */
export const shownTheme = computed(() => {
  const { dark: prefersDark, contrast: prefersContrast } = system.value;
  // A palette that the system forces is light or dark of its own: what was chosen here would not fit it.
  if (system.value.forced) return prefersDark ? "dark" : "light";
  if (theme.value === "auto") return `${prefersContrast ? "contrast-" : ""}${prefersDark ? "dark" : "light"}`;
  return theme.value === "contrast" ? `contrast-${prefersDark ? "dark" : "light"}` : theme.value;
});

export function setTheme(wanted: Theme): void {
  theme.value = wanted;
  keep("theme", wanted);
}

export function setMotion(wanted: boolean): void {
  chosenMotion.value = wanted;
  keep("motion", wanted);
}

effect(() => {
  document.documentElement.dataset.theme = shownTheme.value;
  document.documentElement.dataset.motion = motion.value ? "on" : "off";
});
