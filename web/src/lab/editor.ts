/** CodeMirror for a few lines of Python, in the page's own colours. */

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export interface Editor {
  set(code: string): void;
  close(): void;
}

const PAUSE = 350;

const colours = HighlightStyle.define([
  { tag: [tags.number, tags.bool], color: "var(--plus)" },
  { tag: [tags.function(tags.variableName), tags.className], color: "var(--minus)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.keyword, fontWeight: "600" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--paper)", color: "var(--ink)", border: "1px solid var(--edge)", borderRadius: "8px" },
  "&.cm-focused": { outline: "3px solid var(--focus)" },
  ".cm-content": { fontFamily: "var(--code)", caretColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--soft)", border: "0" },
  ".cm-cursor": { borderInlineStartColor: "var(--ink)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--plus-pale) !important" },
  ".cm-scroller": { maxHeight: "16rem" },
});

/** An editor in `host`; `change` is called a little after the last key. */
export function createEditor(host: HTMLElement, code: string, label: string, change: (code: string) => void): Editor {
  let timer = 0;
  let silent = false;
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: code,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        python(),
        syntaxHighlighting(colours),
        look,
        // Tab leaves the editor, as it leaves every other field.
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || silent) return;
          clearTimeout(timer);
          timer = window.setTimeout(() => change(view.state.doc.toString()), PAUSE);
        }),
      ],
    }),
  });
  return {
    set(text) {
      if (text === view.state.doc.toString()) return;
      silent = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      silent = false;
    },
    close() {
      clearTimeout(timer);
      view.destroy();
    },
  };
}
