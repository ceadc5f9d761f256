/** Where a small network is pasted. The editor is fetched when it is first wanted. */

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import type { Editor } from "./editor";
import type { Lab } from "./state";

export function NetworkBox({ lab }: { lab: Lab }): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const wrong = lab.deriving.error.value;
  useLayoutEffect(() => {
    let gone = false;
    void import("./editor").then(({ createEditor }) => {
      if (gone || !host.current) return;
      editor.current = createEditor(host.current, lab.code.peek(), t("Code of the network"), (code) => {
        lab.code.value = code;
        lab.refresh();
      });
    });
    const stop = lab.code.subscribe((code) => editor.current?.set(code));
    return () => {
      gone = true;
      stop();
      editor.current?.close();
      editor.current = null;
    };
  }, []);
  return (
    <div class="network">
      <p class="soft">{t("A few lines: a model, its inputs and a loss. They are read, never run as Python.")}</p>
      <div ref={host} class="editor" dir="ltr" data-testid="editor" />
      <div class="wrong">{wrong ? <Failed error={wrong} /> : null}</div>
    </div>
  );
}
