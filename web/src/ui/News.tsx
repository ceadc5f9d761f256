/** What became of a session whose process or connection was lost. */
import { t } from "../i18n/t";

export function News({ of }: { of: string }) {
  if (of !== "recovered" && of !== "anew") return null;
  return (
    <p class="soft" role="status">
      {of === "recovered"
        ? t("The engine's process was lost; training went on from where it was.")
        : t("The connection to the engine was lost; training begins anew.")}
    </p>
  );
}
