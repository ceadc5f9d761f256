/** Play, pause, one step, from the beginning; how fast; and where it is. */
import { useSignal } from "@preact/signals";
import { announce } from "../app/announce";
import { number, t } from "../i18n/t";
import { Steps } from "../ui/Slider";
import type { Playground } from "./model";
import { SPEEDS } from "./names";

const Play = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M3 1.5v13l11-6.5z" />
  </svg>
);
const Pause = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M3 2h4v12H3zM9 2h4v12H9z" />
  </svg>
);
const Step = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true" class="turns">
    <path d="M2 2v12l8-6zM11 2h3v12h-3z" />
  </svg>
);
const Again = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M8 2.5a5.5 5.5 0 1 0 5.5 5.5h-2A3.500 3.500 0 1 1 8 4.500V7l4-3.500L8 0z" />
  </svg>
);

export function toggle(ground: Playground): void {
  if (ground.playing.value) {
    ground.pause();
    announce(t("Paused at step {step}.", { step: ground.nows.value[0]?.step ?? 0 }));
  } else {
    ground.play();
    announce(t("Training."));
  }
}

export function Controls({ ground }: { ground: Playground }) {
  const copied = useSignal(false);
  const now = ground.slow.value[0];
  const busy = now?.engine === "compiling" && ground.playing.value;
  const { frames, steps } = ground.rate.value;
  const copy = () =>
    void navigator.clipboard?.writeText(location.href.split("#")[0] + ground.link()).then(() => {
      copied.value = true;
      announce(t("The link is copied."));
      setTimeout(() => (copied.value = false), 2000);
    });
  return (
    <div class="pg-controls" role="group" aria-label={t("Training")}>
      <div class="pg-buttons">
        <button class="main pg-play" onClick={() => toggle(ground)} data-testid="play" disabled={!ground.ready.value}>
          {ground.playing.value ? <Pause /> : <Play />}
          <span>{ground.playing.value ? t("Pause") : t("Play")}</span>
        </button>
        <button onClick={() => ground.step()} data-testid="step" disabled={!ground.ready.value}>
          <Step />
          <span>{t("One step")}</span>
        </button>
        <button onClick={() => ground.reset()} data-testid="reset">
          <Again />
          <span>{t("Reset")}</span>
        </button>
        <dl class="pg-where">
          <div>
            <dt>{t("Step")}</dt>
            <dd class="ltr" data-testid="at">
              {number(now?.step ?? 0, 9)}
            </dd>
          </div>
          <div>
            <dt>{t("Epoch")}</dt>
            <dd class="ltr">{number(Math.floor(now?.epoch ?? 0), 9)}</dd>
          </div>
        </dl>
      </div>
      <div class="pg-speed">
        <Steps
          label={t("Steps per frame")}
          value={ground.speed.value}
          values={SPEEDS}
          shown={number(ground.speed.value)}
          onInput={ground.setSpeed}
        />
      </div>
      <button class="quiet" onClick={copy} data-testid="link">
        {copied.value ? t("Copied") : t("Copy link")}
      </button>
      <p class="soft pg-rate" data-testid="rate" data-frames={frames.toFixed(1)} data-steps={steps.toFixed(0)}>
        {busy
          ? t("The fast version of this step is being compiled …")
          : ground.playing.value && frames > 0
            ? t("{steps} steps and {frames} frames a second", { steps: Math.round(steps), frames: Math.round(frames) })
            : ""}
      </p>
    </div>
  );
}
