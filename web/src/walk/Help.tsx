/** The keys, on a card. */

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { mirrored } from "../graph/direction";
import { t } from "../i18n/t";
import { HELP } from "./keys";

export type HelpRow = [keys: string[], text: string];

/** @param more the keys of this page alone */
export function Help({ more = [] }: { more?: HelpRow[] }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [ahead, back] = mirrored.value ? ["←", "→"] : ["→", "←"];
  const keys: HelpRow[] = [
    [[t("key|Space")], t("play, pause")],
    [
      [ahead, back],
      t("step forward, step back (with the graph focused: to what uses a value, to what it was made of)"),
    ],
    [[".", ","], t("step forward, step back, wherever the focus is")],
    [["↑", "↓"], t("in the graph: the boxes beside this one")],
    [["Home", "End"], t("first step, last step")],
    [["Enter"], t("open what is in a box")],
    [["C"], t("in the graph: open or close the module around a box")],
    ...more,
    [["/"], t("find a value by its name")],
    [["+", "−", "0"], t("in the graph: larger, smaller, fit")],
    [["?"], t("this list")],
  ];
  return (
    <>
      <button class="quiet" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        {t("Keys")}
      </button>
      <dialog id={HELP} ref={dialog} aria-labelledby={`${HELP}-title`} class="keys-help">
        <h2 id={`${HELP}-title`}>{t("Keys")}</h2>
        <dl>
          {keys.map(([names, text]) => (
            <div key={text}>
              <dt>
                {names.map((name) => (
                  <kbd key={name}>{name}</kbd>
                ))}
              </dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button class="main">{t("Close")}</button>
        </form>
      </dialog>
    </>
  );
}
