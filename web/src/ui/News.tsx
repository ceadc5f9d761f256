/** What became of a session whose process or connection was lost. */
import { t } from "../i18n/t";

function told(what: string): string | null {
  switch (what) {
    case "recovered":
      return t("The engine's process was lost; training went on from where it was.");
    case "resumed":
      return t("The connection to the engine was lost for a while; training went on from where it was.");
    case "anew":
      return t("The connection to the engine was lost; training begins anew.");
    default:
      return null;
  }
}

export function News({ of }: { of: string }) {
  const text = told(of);
  return text === null ? null : (
    <p class="soft" role="status">
      {text}
    </p>
  );
}
