/** Where each head looks: its attention as a map, and the row of one place with the gradient of every weight in it. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { shownTheme } from "../app/settings";
import { number, t } from "../i18n/t";
import { BarTable } from "../opened/Bars";
import { Slider } from "../ui/Slider";
import type { Opening } from "./Blame";
import { visible } from "./state";

export function Attention({ blamed, open }: Opening) {
  const chosen = useSignal({ layer: blamed.attention.length - 1, head: 0 });
  const symbols = Array.from(blamed.context);
  const from = useSignal(symbols.length - 1);
  const asks = Math.min(from.value, symbols.length - 1);
  const layer = Math.min(chosen.value.layer, blamed.attention.length - 1);
  const map = blamed.attention[layer]?.weights[chosen.value.head] ?? [];
  const gradient = blamed.attention[layer]?.gradient[chosen.value.head] ?? [];
  const row = map[asks] ?? [];
  const order = row
    .map((_, to) => to)
    .slice(0, asks + 1)
    .sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0));
  const pick = (to: number) =>
    void open({ kind: "attention", layer, head: chosen.value.head, from: asks, to }, `${asks}-${to}`);
  return (
    <>
      <p class="soft">
        {t(
          "Each row is one symbol asking the symbols before it. The darker, the more it takes from there; the last row made the prediction.",
        )}
      </p>
      <div class="row" role="group" aria-label={t("Heads")}>
        {blamed.attention.flatMap(({ weights }, i) =>
          weights.map((_, head) => (
            <button
              key={`${i}-${head}`}
              aria-pressed={layer === i && chosen.value.head === head}
              onClick={() => (chosen.value = { layer: i, head })}
            >
              {t("layer {layer}, head {head}", { layer: i + 1, head: head + 1 })}
            </button>
          )),
        )}
      </div>
      <div class="two">
        <Map map={map} symbols={symbols} asks={asks} choose={(place) => (from.value = place)} />
        <div>
          <Slider
            label={t("The symbol that asks")}
            value={asks}
            min={0}
            max={symbols.length - 1}
            step={1}
            shown={`${asks + 1}. ${visible(symbols[asks] ?? "")}`}
            onInput={(place) => (from.value = place)}
          />
          <BarTable
            caption={t("Gradient of the loss by where it looks")}
            name={t("Looks at")}
            value={t("Gradient")}
            beside={t("Attention")}
            rows={order.slice(0, 12).map((to) => ({
              key: String(to),
              label: (
                <>
                  {to + 1}. <bdi class="symbol">{visible(symbols[to] ?? "")}</bdi>
                </>
              ),
              value: gradient[asks]?.[to] ?? 0,
              beside: <bdi dir="ltr">{number(100 * (row[to] ?? 0), 3)}%</bdi>,
              open: () => pick(to),
            }))}
          />
        </div>
      </div>
    </>
  );
}

interface MapProps {
  map: number[][];
  symbols: string[];
  /** The row that is looked at. */
  asks: number;
  choose(place: number): void;
}

const MARGIN = 18;

function Map({ map, symbols, asks, choose }: MapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const n = symbols.length;
  const theme = shownTheme.value;
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const css = getComputedStyle(document.documentElement);
    const colour = (token: string) => css.getPropertyValue(token).trim();
    const sharp = devicePixelRatio || 1;
    const side = Math.min(420, element.parentElement?.clientWidth ?? 420);
    const cell = (side - MARGIN - 2) / n;
    element.width = element.height = Math.round(side * sharp);
    element.style.width = element.style.height = `${side}px`;
    context.scale(sharp, sharp);
    context.fillStyle = colour("--paper");
    context.fillRect(0, 0, side, side);
    for (let from = 0; from < n; from++) {
      for (let to = 0; to <= from; to++) {
        context.globalAlpha = Math.max(0.04, Math.min(1, map[from]?.[to] ?? 0));
        context.fillStyle = colour("--plus");
        context.fillRect(MARGIN + to * cell, MARGIN + from * cell, cell - 0.5, cell - 0.5);
      }
    }
    context.globalAlpha = 1;
    context.strokeStyle = colour("--now-line");
    context.lineWidth = 2;
    context.strokeRect(MARGIN - 1, MARGIN + asks * cell - 1, (asks + 1) * cell + 2, cell + 2);
    context.fillStyle = colour("--soft");
    context.font = `${Math.min(12, Math.max(8, cell))}px ${colour("--letters")}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    symbols.forEach((symbol, i) => {
      context.fillText(visible(symbol), MARGIN + (i + 0.5) * cell, MARGIN / 2);
      context.fillText(visible(symbol), MARGIN / 2, MARGIN + (i + 0.5) * cell);
    });
  }, [map, symbols.join(""), asks, theme]);
  return (
    <div class="attention-map ltr">
      <canvas
        ref={canvas}
        role="img"
        aria-label={t("The attention of this head: {n} rows and columns; the table beside it has the numbers.", { n })}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const place = Math.floor(((event.clientY - box.top - MARGIN) / (box.height - MARGIN - 2)) * n);
          if (place >= 0 && place < n) choose(place);
        }}
      />
    </div>
  );
}
