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
const system = signal({ dark: dark.matches, still: still.matches, contrast: contrast.matches });
for (const query of [dark, still, contrast]) {
  query.addEventListener("change", () => {
    system.value = { dark: dark.matches, still: still.matches, contrast: contrast.matches };
  });
}

/** Whether things may move by themselves. */
export const motion = computed(() => chosenMotion.value ?? !system.value.still);

/** What is shown: light, dark or contrast (contrast-dark where the system is dark). */
export const shownTheme = computed(() => {
  const { dark: prefersDark, contrast: prefersContrast } = system.value;
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
