/** The road with the car on it: a click on its trail opens that moment; the wheel may be taken, a track be drawn. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { shownTheme } from "../app/settings";
import { number, t } from "../i18n/t";
import type { Session } from "../opened/session";
import { paint } from "./draw";
import { ask } from "./Mistake";
import { asked, type Lab } from "./state";

/** A click so near to the trail, in the world's units, means it. */
const NEAR = 0.06;

export function Stage({ lab, session }: { lab: Lab; session: Session }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const drawing = useSignal(false);
  const drawn = useSignal<number[]>([]);
  useLayoutEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return undefined;
    const measure = () => (width.value = element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    const world = lab.world.value;
    if (!canvas.current || !world || !width.value || !shownTheme.value) return;
    paint(canvas.current, width.value, {
      world,
      pose: lab.pose.value,
      seen: lab.seen.value,
      trail: lab.trail.value,
      past: lab.past.value,
      before: lab.step.value ? lab.before.value : [],
      off: lab.off.value,
      asked: asked(lab),
      askedSaw: lab.blamed.value?.seen,
      drawn: drawn.value,
    });
  });

  /** A place of the pointer in the world. */
  const spot = (event: PointerEvent | MouseEvent): [number, number] => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    const [w, h] = lab.world.peek()?.size ?? [1, 1];
    return [((event.clientX - box.left) / box.width) * w, ((event.clientY - box.top) / box.height) * h];
  };
  const steer = (wheel: number) => void session.tell("steer", { wheel: Math.max(-1, Math.min(1, wheel)) });

  function press(event: PointerEvent): void {
    if (drawing.value) {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      drawn.value = spot(event);
    } else if (lab.driving.peek()) drag(event);
    else pick(event);
  }
  function drag(event: PointerEvent): void {
    if (drawing.value && drawn.value.length) drawn.value = [...drawn.value, ...spot(event)];
    else if (lab.driving.peek() && event.buttons) {
      const [w] = lab.world.peek()?.size ?? [1];
      steer((3 * (spot(event)[0] - w / 2)) / w);
    }
  }
  async function lift(): Promise<void> {
    if (lab.driving.peek()) steer(0);
    if (!drawing.value || drawn.value.length < 4) return;
    const flat = drawn.value;
    const points: [number, number][] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) points.push([flat[i] as number, flat[i + 1] as number]);
    const apart = Math.max(1, Math.ceil(points.length / 400));
    const thinned = points.filter((_, i) => i % apart === 0);
    drawn.value = [];
    drawing.value = false;
    const done = await session.tell("track", { track: "own", points: thinned, examples: true });
    if (!done) return;
    lab.config.value = { ...lab.config.peek(), track: "own", points: thinned };
    announce(t("This is your track."));
  }
  function pick(event: MouseEvent): void {
    const [x, y] = spot(event);
    const runs = [
      { run: lab.run.peek(), moments: lab.trail.peek() },
      { run: lab.run.peek() - 1, moments: lab.past.peek() },
    ];
    let [least, found] = [NEAR, { run: 0, moment: -1 }];
    for (const { run, moments } of runs) {
      moments.forEach((one, moment) => {
        const apart = Math.hypot(one.x - x, one.y - y);
        if (apart < least) [least, found] = [apart, { run, moment }];
      });
    }
    if (found.moment >= 0) void ask(lab, session, found);
  }
  function keys(event: KeyboardEvent): void {
    if (!lab.driving.peek() || event.repeat) return;
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    steer(event.type === "keyup" ? 0 : event.key === "ArrowLeft" ? -0.6 : 0.6);
  }
  const label = useComputed(() =>
    t("A road seen from above, with a car on it. This run: {along}% of a lap; {state}.", {
      along: number(100 * lab.along.value, 2),
      state: lab.off.value ? t("it has left the road") : t("it is on the road"),
    }),
  );
  return (
    <section class="card stage" aria-label={t("The road")}>
      <div
        class={`road ltr ${drawing.value ? "drawing" : ""}`}
        role="application"
        aria-label={label.value}
        // The keys drive the car, so they are the road's own.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={keys}
        onKeyUp={keys}
        data-testid="road"
      >
        <canvas
          ref={canvas}
          onPointerDown={press}
          onPointerMove={drag}
          onPointerUp={() => void lift()}
          aria-hidden="true"
        />
        {drawing.value && <p class="hint">{t("Draw a closed loop with the pointer.")}</p>}
        {lab.driving.value && (
          <p class="hint">
            {t(
              "You drive: arrow keys left and right, or drag to the side. Every moment on the road becomes an example.",
            )}
          </p>
        )}
      </div>
      <div class="row stage-foot">
        <p class="facts" data-testid="drive">
          <b>{t("{along}% of a lap", { along: number(Math.floor(100 * lab.along.value), 3) })}</b>
          {lab.off.value && <span class="bad">{t("off the road")}</span>}
          <span class="soft">
            {t("farthest so far: {best}%", { best: number(Math.floor(100 * lab.best.value), 4) })}
          </span>
        </p>
        <button
          aria-pressed={drawing.value}
          onClick={() => {
            drawing.value = !drawing.value;
            drawn.value = [];
          }}
        >
          {t("Draw a track")}
        </button>
      </div>
      <ul class="legend soft">
        <li>
          <i class="swatch good" /> {t("steered well")}
        </li>
        <li>
          <i class="swatch wrong" /> {t("steered wrong: click to open")}
        </li>
        <li>
          <i class="swatch ghost" /> {t("how far it came before it learnt")}
        </li>
      </ul>
    </section>
  );
}
