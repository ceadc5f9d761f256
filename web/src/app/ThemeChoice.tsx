/** Light or dark, as the reader wants it. */

import type { JSX } from "preact";
import { t } from "../i18n/t";
import { setTheme, theme, THEMES, type Theme } from "./settings";

const themeName = (which: Theme): string => {
  switch (which) {
    case "auto":
      return t("theme|Automatic");
    case "light":
      return t("theme|Light");
    case "dark":
      return t("theme|Dark");
    default:
      return t("theme|High contrast");
  }
};

export function ThemeChoice(): JSX.Element {
  return (
    <label>
      <span class="unseen">{t("Theme")}</span>
      <select
        value={theme.value}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
        data-testid="theme"
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {themeName(one)}
          </option>
        ))}
      </select>
    </label>
  );
}
