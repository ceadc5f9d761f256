/** The plane: what the network says at every place, the line where it changes its mind, and the points. */
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { shownTheme } from "../app/settings";
import { number, t } from "../i18n/t";
import { colours, contour, heat } from "./paint";
import type { Playground } from "./model";
import { percent } from "./names";
import { drawPoints, drawSigns } from "./points";
import { useDrawing } from "./drawing";

const CELLS = 60;

export function Map({ ground, side }: { ground: Playground; side: number }) {
  const box = useRef<HTMLDivElement>(null);
  const under = useRef<HTMLCanvasElement>(null);
  const line = useRef<HTMLCanvasElement>(null);
  const dots = useRef<HTMLCanvasElement>(null);
  const config = ground.sides.value[side];
  const scene = ground.scenes.value[side];
  const drawing = useDrawing(ground, side);
  const dress = shownTheme.value;

  const paint = () => {
    const now = ground.nows.peek()[side];
    if (!now || !under.current || !line.current) return;
    heat(under.current, now.map, 0, CELLS, colours().map);
    const canvas = line.current;
    const context = canvas.getContext("2d");
    if (!context) return;
    const scale = canvas.width / CELLS;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = colours().ink;
    context.lineWidth = Math.max(1.5, canvas.width / 200);
    context.lineCap = "round";
    context.beginPath();
    const parts = contour(now.map, CELLS);
    for (let i = 0; i < parts.length; i += 4) {
      context.moveTo((parts[i] as number) * scale, (parts[i + 1] as number) * scale);
      context.lineTo((parts[i + 2] as number) * scale, (parts[i + 3] as number) * scale);
    }
    context.stroke();
    if (dress.startsWith("contrast")) drawSigns(context, now.map, CELLS);
  };
  const place = () => {
    if (dots.current && scene) drawPoints(dots.current, scene);
  };

  useSignalEffect(() => {
    void ground.nows.value[side];
    paint();
  });
  useEffect(() => {
    const fit = () => {
      const size = Math.round((box.current?.clientWidth ?? 300) * Math.min(2, devicePixelRatio));
      for (const canvas of [line.current, dots.current]) {
        if (canvas && canvas.width !== size) canvas.width = canvas.height = size;
      }
      paint();
      place();
    };
    fit();
    const watched = new ResizeObserver(fit);
    if (box.current) watched.observe(box.current);
    return () => watched.disconnect();
  }, [dress, scene]);

  const now = ground.slow.value[side];
  const right = now?.right;
  const name = right
    ? t("Map of the plane: {train} of the training points and {test} of the test points are on the right side.", {
        train: percent(right[0]),
        test: percent(right[1]),
      })
    : t("Map of the plane, with what the network gives at each place.");
  const [xName, yName] = [scene?.about.x || "x", scene?.about.y || "y"];
  return (
    <figure class="pg-map">
      <div class="pg-plane ltr">
        <span class="pg-y" aria-hidden="true">
          {yName}
        </span>
        <div
          class={`pg-stack${drawing ? " draws" : ""}`}
          ref={box}
          aria-label={
            drawing ? t("Plane to draw on: arrow keys move, Enter sets a point, Delete takes it away.") : name
          }
          data-testid={`map-${side}`}
          {...(drawing ? { role: "application", tabIndex: 0, ...drawing.handlers } : { role: "img" })}
        >
          <canvas ref={under} class="pg-heat" width={CELLS} height={CELLS} />
          <canvas ref={line} />
          <canvas ref={dots} />
          {drawing?.cursor}
        </div>
        <span class="pg-x" aria-hidden="true">
          {xName}
        </span>
      </div>
      <figcaption>
        <ul class="pg-key">
          {scene?.quantity ? (
            <>
              <li>
                <i class="circle" /> {t("above 0")}
              </li>
              <li>
                <i class="square" /> {t("below 0")}
              </li>
            </>
          ) : (
            <>
              <li>
                <i class="circle" /> {scene?.about.yes || t("class 1")}
              </li>
              <li>
                <i class="square" /> {scene?.about.yes ? t("all others") : t("class 0")}
              </li>
            </>
          )}
          <li>
            <i class="hollow" /> {t("hollow: kept for testing")}
          </li>
          <li>
            <i class="line" /> {scene?.quantity ? t("0") : t("where it changes its mind")}
          </li>
        </ul>
        {now && config && (
          <p class="pg-scores" data-testid={`scores-${side}`}>
            {right
              ? t("Right: {train} in training, {test} in the test.", {
                  train: percent(right[0]),
                  test: percent(right[1]),
                })
              : t("Loss: {train} in training, {test} in the test.", {
                  train: number(now.train, 3),
                  test: number(now.test, 3),
                })}
          </p>
        )}
      </figcaption>
    </figure>
  );
}
