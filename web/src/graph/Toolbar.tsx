/** Above a graph: how much of it is opened, a box to be found by name, larger and smaller. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useRef } from "preact/hooks";
import { t } from "../i18n/t";
import type { Walk } from "../walk/walk";
import { spell } from "./spell";
import type { Camera } from "./camera";

interface Props {
  walk: Walk;
  camera: Camera;
  /** Go to the box of this key, or to what it is in. */
  move(key: string): void;
}

export function Toolbar({ walk, camera, move }: Props): JSX.Element {
  return (
    <div class="tools">
      <Levels walk={walk} />
      <Find walk={walk} move={move} />
      <span class="zoom">
        <button class="quiet" aria-label={t("Smaller")} title={t("Smaller")} onClick={() => camera.zoom(1 / 1.2)}>
          −
        </button>
        <button class="quiet" aria-label={t("Larger")} title={t("Larger")} onClick={() => camera.zoom(1.2)}>
          +
        </button>
        <button class="quiet" onClick={() => camera.fit()}>
          {t("Fit")}
        </button>
      </span>
    </div>
  );
}

/** How far modules are opened; nothing where there is only one way. */
function Levels({ walk }: { walk: Walk }): JSX.Element | null {
  const id = useId();
  const { views } = walk.content.value;
  const ways = (["first", "closed", "all"] as const).filter(
    (name) => name in views && (name === "first" || typeof views[name] !== "string"),
  );
  if (ways.length < 2) return null;
  const chosen = walk.view.value;
  const own = chosen !== "" && !(ways as readonly string[]).includes(chosen);
  return (
    <span class="levels">
      <label for={id}>{t("Show")}</label>
      <select
        id={id}
        value={own ? "own" : chosen || "first"}
        onChange={(event) => (walk.view.value = event.currentTarget.value)}
      >
        {ways.map((name) => (
          <option key={name} value={name}>
            {name === "first" ? t("as much as fits") : name === "closed" ? t("modules closed") : t("every operation")}
          </option>
        ))}
        {own ? (
          <option value="own" hidden>
            {t("opened by hand")}
          </option>
        ) : null}
      </select>
    </span>
  );
}

/** A field that leads to a box by its name, its formula or its operation. */
function Find({ walk, move }: { walk: Walk; move(key: string): void }): JSX.Element {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const missed = useSignal(false);
  const { nodes, content } = walk.model.value;
  const names = [...new Set(nodes.filter((node) => node.kind !== "constant").map((node) => node.name))].slice(0, 200);
  function find(): void {
    const wanted = (field.current?.value ?? "").trim().toLowerCase();
    if (!wanted) return;
    const plain = (text: string) => text.toLowerCase().replaceAll(" ", "");
    const same = (test: (text: string) => boolean) =>
      nodes.findIndex((node, i) =>
        [node.name, spell(content.labels[i]?.t), node.op ?? ""].some((text) => test(plain(text))),
      );
    const exact = same((text) => text === plain(wanted));
    const found = exact >= 0 ? exact : same((text) => text.includes(plain(wanted)));
    missed.value = found < 0;
    if (found >= 0) move(`n${found}`);
  }
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        find();
      }}
    >
      <label for={id} class="unseen">
        {t("Find a value")}
      </label>
      <input
        id={id}
        ref={field}
        type="search"
        dir="ltr"
        list={`${id}-names`}
        placeholder={t("Find (/)")}
        aria-invalid={missed.value}
        data-find
        autoComplete="off"
        onInput={() => (missed.value = false)}
      />
      <datalist id={`${id}-names`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {missed.value ? (
        <span class="soft" role="status">
          {t("Nothing is called that.")}
        </span>
      ) : null}
    </form>
  );
}
