/** Take it home: as a picture, a page, formulas, a trace, or a link. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { ask, EngineError } from "../engine/engine";
import { t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import { write } from "./links";
import { svgOf } from "./picture";
import { download, toPng } from "./png";
import type { Lab } from "./state";

type Format = "svg" | "png" | "html" | "latex" | "mermaid" | "trace" | "link";
interface Exported {
  text: string;
  name: string;
  type: string;
}

export function SaveMenu({ lab }: { lab: Lab }): JSX.Element {
  const menu = useRef<HTMLDetailsElement>(null);
  const wrong = useSignal<EngineError | null>(null);
  const names: Record<Format, string> = {
    svg: t("Picture (SVG)"),
    png: t("Picture (PNG)"),
    html: t("Page to be stepped through (HTML)"),
    latex: t("Formulas (LaTeX)"),
    mermaid: t("Diagram as text (Mermaid)"),
    trace: t("Trace (JSON)"),
    link: t("Copy the link"),
  };
  async function save(format: Format): Promise<void> {
    wrong.value = null;
    try {
      await saveAs(lab, format);
      const done = format === "link" ? t("The link is copied.") : t("Saved: {what}.", { what: names[format] });
      announce(done);
      if (!menu.current) return;
      const at = document.activeElement;
      const inside = at === document.body || menu.current.contains(at);
      menu.current.open = false;
      // Who has gone on meanwhile is left there.
      if (inside) menu.current.querySelector("summary")?.focus();
    } catch (problem) {
      wrong.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
    }
  }
  const foreign = lab.walk.value !== null && lab.walk.value.given.value === null;
  const ways = (Object.keys(names) as Format[]).filter(
    (format) => !foreign || !["link", "latex", "mermaid"].includes(format),
  );
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current?.open) return;
        menu.current.open = false;
        menu.current.querySelector("summary")?.focus();
      }}
      onFocusOut={(event) => {
        const to = event.relatedTarget as Node | null;
        if (to && menu.current && !menu.current.contains(to)) menu.current.open = false;
      }}
    >
      <summary class="button">{t("Save as …")}</summary>
      <ul>
        {ways.map((format) => (
          <li key={format}>
            <button class="quiet" data-format={format} onClick={() => void save(format)}>
              {names[format]}
            </button>
          </li>
        ))}
      </ul>
      {wrong.value ? <Failed error={wrong.value} /> : null}
    </details>
  );
}

async function saveAs(lab: Lab, format: Format): Promise<void> {
  const content = lab.deriving.content.peek();
  if (!content) return;
  if (format === "link") {
    const saved = lab.save();
    if (saved) await navigator.clipboard.writeText(new URL(write(saved), location.href).href);
  } else if (format === "trace") {
    download(new Blob([JSON.stringify(content.trace)], { type: "application/json" }), "trace.json");
  } else {
    const given = lab.walk.peek()?.given.peek();
    const drawn = document.querySelector<SVGSVGElement>(".lab .pane svg");
    if ((format === "svg" || format === "png") && !given && drawn) {
      // Of a trace from a file the engine has no graph to draw: what is drawn here is taken.
      const svg = svgOf(drawn);
      download(format === "png" ? await toPng(svg) : new Blob([svg], { type: "image/svg+xml" }), `trace.${format}`);
      return;
    }
    const from = given ?? { document: content.trace };
    const found = await ask<Exported>("export", { ...from, format: format === "png" ? "svg" : format });
    if (format === "png") download(await toPng(found.text), found.name.replace(/\.svg$/, ".png"));
    else download(new Blob([found.text], { type: found.type }), found.name);
  }
}
