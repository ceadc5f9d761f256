/** A trace from a file: chosen, or dropped anywhere on the page. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { ask, EngineError, online } from "../engine/engine";
import type { Content } from "../engine/types";
import { t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import { contentOf } from "./offline";
import type { Lab } from "./state";

const LARGEST = 20_000_000;

/** Open a trace that a file holds. Throws an EngineError with a sentence. */
export async function openTrace(lab: Lab, name: string, text: string): Promise<void> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new EngineError(
      "input",
      t("{name} is not a trace: it is not JSON.", { name }),
      t("Save one with “Save as”, or in Python by trace()."),
    );
  }
  // Checked and laid out by the engine; read here where there is none.
  const alone = online.peek() === "recorded" || online.peek() === "off";
  lab.show(alone ? contentOf(document) : await ask<Content>("open_trace", { document }), name);
  announce(t("Opened {name}.", { name }));
}

export function OpenFile({ lab }: { lab: Lab }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const over = useSignal(false);
  const wrong = useSignal<EngineError | null>(null);
  async function take(file: File | undefined): Promise<void> {
    if (!file) return;
    wrong.value = null;
    try {
      if (file.size > LARGEST) {
        throw new EngineError(
          "limit",
          t("{name} is larger than is opened here.", { name: file.name }),
          t("Write a smaller trace: of fewer steps or entries."),
        );
      }
      await openTrace(lab, file.name, await file.text());
    } catch (problem) {
      wrong.value = problem instanceof EngineError ? problem : new EngineError("internal", String(problem));
    }
  }
  useLayoutEffect(() => {
    const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      over.value = true;
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) over.value = false;
    };
    const drop = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      over.value = false;
      void take(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", enter);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return (
    <>
      <button onClick={() => field.current?.click()}>{t("Open a trace …")}</button>
      <input
        ref={field}
        type="file"
        accept=".json,application/json"
        class="unseen"
        tabIndex={-1}
        aria-label={t("Open a trace …")}
        data-testid="trace-file"
        onChange={(event) => {
          const element = event.currentTarget;
          void take(element.files?.[0]).then(() => (element.value = ""));
        }}
      />
      {over.value ? <div class="drop-here">{t("Drop the trace here")}</div> : null}
      {wrong.value ? <Failed error={wrong.value} /> : null}
    </>
  );
}
