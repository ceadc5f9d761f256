/** The walk's controls: step, play, go back, scrub; by operation or by module. */

import type { JSX } from "preact";
import { t } from "../i18n/t";
import { mirrored } from "../graph/direction";
import { phrase } from "./phrase";
import { conceals, type Stride, type Walk } from "./walk";
import "./walk.css";

const ICONS = {
  first: "M3 2h2v12H3zM14 2v12L6 8z",
  back: "M12 2v12L4 8z",
  play: "M4 2v12l8-6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  forward: "M3 2v12l6-6zM11 2h2v12h-2z",
  last: "M11 2h2v12h-2zM2 2v12l8-6z",
};

/** A picture on a button, turned with the page's direction. */
function Icon({ name }: { name: keyof typeof ICONS }): JSX.Element {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" class={mirrored.value && name !== "pause" ? "turned" : ""}>
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Timeline({ walk, compact = false }: { walk: Walk; compact?: boolean }): JSX.Element {
  const pos = walk.pos.value;
  const count = walk.count.value;
  const playing = walk.playing.value;
  const end = pos >= count - 1;
  const sentence = conceals(walk) ? t("A number is hidden here: what do you expect?") : phrase(walk.frame.value);
  const button = (name: keyof typeof ICONS, label: string, act: () => void, off: boolean) => (
    // Not "disabled", which would throw the keyboard off the button at the ends of the walk.
    <button class={`icon ${name}`} aria-label={label} title={label} aria-disabled={off} onClick={() => !off && act()}>
      <Icon name={name} />
    </button>
  );
  return (
    <div class="timeline" role="group" aria-label={t("Walk")}>
      {compact ? null : button("first", t("First step"), walk.first, pos === 0)}
      {button("back", t("Step back"), walk.back, pos === 0)}
      <button class="main step" onClick={() => (end ? walk.first() : walk.forward())}>
        {end ? t("Start again") : t("verb|Step")} {end ? null : <Icon name="forward" />}
      </button>
      {compact ? null : button("last", t("Last step"), walk.last, end)}
      <button
        class="icon"
        aria-label={playing ? t("Pause") : t("Play")}
        title={playing ? t("Pause") : t("Play")}
        onClick={() => walk.toggle()}
      >
        <Icon name={playing ? "pause" : "play"} />
      </button>
      <input
        class="scrub"
        type="range"
        min={0}
        max={count - 1}
        step={1}
        value={pos}
        aria-label={t("Place in the walk")}
        aria-valuetext={t("{place} of {count}: {sentence}", { place: pos + 1, count, sentence })}
        onInput={(event) => walk.go(event.currentTarget.valueAsNumber)}
      />
      <span class="count">
        <bdi dir="ltr">
          {pos + 1} / {count}
        </bdi>
      </span>
      {compact ? null : <Ways walk={walk} />}
    </div>
  );
}

/** How long a step is, and how fast the walk plays. */
function Ways({ walk }: { walk: Walk }): JSX.Element {
  const modules =
    walk.model.value.byModule !== walk.model.value.byOperation && walk.model.value.trace.modules.length > 0;
  return (
    <span class="ways">
      {modules ? (
        <select
          aria-label={t("Length of a step")}
          value={walk.stride.value}
          onChange={(event) => (walk.stride.value = event.currentTarget.value as Stride)}
        >
          <option value="operation">{t("by operation")}</option>
          <option value="module">{t("by module")}</option>
        </select>
      ) : null}
      <select
        aria-label={t("Speed of playing")}
        value={String(walk.speed.value)}
        onChange={(event) => (walk.speed.value = Number(event.currentTarget.value))}
      >
        {[0.5, 1, 2, 4].map((speed) => (
          <option key={speed} value={String(speed)}>
            {t("{n} ×", { n: speed })}
          </option>
        ))}
      </select>
    </span>
  );
}
