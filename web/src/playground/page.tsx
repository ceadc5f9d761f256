/** The playground: a network is trained in front of the reader, and every gradient of it can be opened. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { place } from "../app/router";
import { online } from "../engine/engine";
import { say, t } from "../i18n/t";
import { openInLab } from "../lab/incoming";
import type { Content } from "../engine/types";
import { News } from "../ui/News";
import { Failed, Problem } from "../ui/Problem";
import { Controls, toggle } from "./Controls";
import { Data } from "./Data";
import { Flow } from "./Flow";
import { Inspector } from "./Inspector";
import { Losses } from "./Losses";
import { Map } from "./Map";
import { createPlayground, trainable, type Playground } from "./model";
import { PRESETS, presetOf, type Preset } from "./names";
import { Net, type Lines } from "./Net";
import { OpenedGradient } from "./OpenedGradient";
import { Settings } from "./Settings";
import { Tables } from "./Tables";
import "./playground.css";
import "./network.css";
import "./panels.css";

/** It stays when the reader looks at a step in the lab, and is there again, with its weights, when they come back. */
let kept: Playground | undefined;

export default function Page() {
  if (online.value !== "recorded") return <Live />;
  return (
    <div class="pg">
      <h1>{t("Playground")}</h1>
      <Problem
        sentence={t("The playground trains with the engine, and this site has only what was recorded.")}
        fix={t("Run “upriver learn” on your own computer.")}
      />
    </div>
  );
}

function Live() {
  const ground = useMemo(() => (kept ??= createPlayground(place.peek().parameters)), []);
  // (Not after the next frame: a button may have been pressed by then.)
  useLayoutEffect(() => {
    ground.write();
    return () => ground.leave();
  }, []);
  useLayoutEffect(() => ground.come(place.value), [place.value]);
  return <Ground ground={ground} />;
}

function Ground({ ground }: { ground: Playground }) {
  const keys = (event: KeyboardEvent) => {
    const at = event.target as HTMLElement;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY|A|path)$/.test(at.tagName)
    )
      return;
    if (event.key === " ") toggle(ground);
    else if (event.key === "s") ground.step();
    else if (event.key === "r") ground.reset();
    else return;
    event.preventDefault();
  };
  useLayoutEffect(() => {
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  }, []);
  const two = ground.sides.value.length === 2;
  const drawnFewer = !trainable(ground.sides.value[0] as never);
  return (
    <div class={`pg${two ? " two" : ""}`}>
      <header class="pg-title">
        <h1>{t("Playground")}</h1>
        <p class="soft">{t("Train a network, and open any of its gradients while it learns.")}</p>
        <p class="soft pg-keys">
          <kbd>{t("Space")}</kbd> {t("play, pause")} · <kbd>S</kbd> {t("one step")} · <kbd>R</kbd>{" "}
          {t("from the beginning")}
        </p>
      </header>
      <Presets ground={ground} />
      <Controls ground={ground} />
      {ground.error.value && <Failed error={ground.error.value} />}
      <News of={ground.event.value} />
      {drawnFewer && (
        <p class="pg-hint" role="status">
          {ground.sides.value[0]?.data === "drawn"
            ? t("Draw points of both classes on the map.")
            : t("Paste a table, or choose a file.")}
        </p>
      )}
      <div class="pg-body">
        <Data ground={ground} />
        <div class="pg-sides">
          {ground.sides.value.map((_, side) => (
            <Side key={side} ground={ground} side={side} two={two} />
          ))}
        </div>
      </div>
      <OpenedGradient ground={ground} />
    </div>
  );
}

function Presets({ ground }: { ground: Playground }) {
  const chosen = useSignal<Preset | null>(null);
  return (
    <nav class="pg-presets" aria-label={t("Experiments to begin with")}>
      <ul>
        {PRESETS.map((preset) => (
          <li key={preset.id}>
            <button
              class="pg-preset"
              aria-pressed={chosen.value?.id === preset.id}
              data-testid={`preset-${preset.id}`}
              onClick={() => {
                const given = presetOf(preset.id);
                if (given) ground.load(given);
                chosen.value = preset;
              }}
            >
              <b>{preset.title()}</b>
              <span>{preset.look()}</span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Side({ ground, side, two }: { ground: Playground; side: number; two: boolean }) {
  const lines = useSignal<Lines>("weights");
  const room = useSignal(520);
  const now = ground.slow.value[side];
  const freeze = async () => {
    const found = (await ground.freeze(side)) as (Content & { step: number }) | undefined;
    if (!found) return;
    ground.write();
    openInLab({ content: found, title: t("Step {step} of the playground", { step: found.step }) });
  };
  const compare = () =>
    ground.load({ sides: [ground.sides.value[0] ?? {}, ground.sides.value[0] ?? {}], speed: ground.speed.value });
  const alone = () => ground.load({ sides: [ground.sides.value[side] ?? {}], speed: ground.speed.value });
  return (
    <section class="pg-side" aria-label={two ? t("Network {letter}", { letter: side ? "B" : "A" }) : t("Network")}>
      {now?.trouble && (
        <div class="problem" role="alert" data-testid={`trouble-${side}`}>
          <p>{say(now.trouble)}</p>
        </div>
      )}
      <div class="pg-center">
        <div class="row pg-side-head">
          <h2>{two ? t("Network {letter}", { letter: side ? "B" : "A" }) : t("Network")}</h2>
          <label class="tick">
            <input
              type="checkbox"
              checked={lines.value === "gradients"}
              onChange={(event) => (lines.value = event.currentTarget.checked ? "gradients" : "weights")}
              data-testid={`lines-${side}`}
            />
            {t("Lines show gradients")}
          </label>
          <button onClick={() => void freeze()} data-testid={`freeze-${side}`} disabled={!now}>
            {t("Freeze this step")}
          </button>
          {two ? (
            <button onClick={alone}>{t("Keep only this one")}</button>
          ) : (
            <button onClick={compare} data-testid="compare">
              {t("Compare two")}
            </button>
          )}
        </div>
        <Net ground={ground} side={side} lines={lines} room={room} />
        <Inspector ground={ground} side={side} />
        <Flow ground={ground} side={side} />
      </div>
      <div class="pg-right">
        <Map ground={ground} side={side} />
        <Losses ground={ground} side={side} />
      </div>
      <div class="pg-below">
        <Settings ground={ground} side={side} />
        <Tables ground={ground} side={side} />
      </div>
    </section>
  );
}
