/** The graph as a river: each stream is as wide as the gradient that passes there, on its way up from the ocean. */
import { useSignal } from "@preact/signals";
import type { Content } from "../engine/types";
import { isolate, mirrored } from "../graph/direction";
import { number, t } from "../i18n/t";
import { useAnswer } from "./answer";
import { Answered, AsTable, Signed, tone, useWidth } from "./common";
import { request } from "./data";
import { GridSlider } from "./grid-slider";
import { riverOf, type Place, type Stream } from "./river-map";
import { scalar } from "./types";

export default function River() {
  const x2 = useSignal(3);
  const answer = useAnswer<Content>(request("river", 0, { "values.x2": x2.value }));
  return (
    <>
      <GridSlider
        figure="river"
        path="values.x2"
        fine={0.1}
        label={t("Input {name}", { name: "x2" })}
        shown={`x2 = ${number(x2.value)}`}
        value={x2.value}
        onInput={(value) => (x2.value = value)}
      />
      <Answered answer={answer}>{(content) => <Drawn content={content.value} />}</Answered>
    </>
  );
}

/** The widest stream, and the narrowest that still runs, in pixels. */
const [WIDEST, LEAST] = [38, 2.5];

function Drawn({ content }: { content: Content }) {
  const [frame, width] = useWidth<HTMLDivElement>();
  const chosen = useSignal<number | null>(null);
  const map = riverOf(content, width, mirrored.value);
  const most = Math.max(...map.streams.map((stream) => Math.abs(stream.product) || 0), 1e-12);
  const thick = (stream: Stream) =>
    stream.product === 0 ? 1.5 : Math.max(LEAST, (Math.abs(stream.product) / most) * WIDEST);
  const springs = map.places.filter((place) => place.spring);
  const open = map.places.find((place) => place.node === chosen.value) ?? springs.find((place) => place.gradient !== 0);
  const { nodes } = content.trace;
  return (
    <div ref={frame} class="river">
      <svg
        width={width}
        height={map.height}
        role="group"
        aria-label={t("The gradient as a river, from the loss up to the weights")}
      >
        {map.streams.map((stream) => (
          <g key={stream.edge}>
            <path
              class={`stream ${stream.product === 0 ? "dry" : tone(stream.product)}`}
              d={stream.d}
              stroke-width={thick(stream)}
            />
            {stream.product !== 0 && <path class="current" d={stream.d} />}
          </g>
        ))}
        {map.places.map((place) => (
          <Spot
            key={place.node}
            place={place}
            open={open?.node === place.node}
            choose={() => (chosen.value = place.node)}
          />
        ))}
      </svg>
      {open && (
        <p class="readout" role="status">
          <span>
            <bdi dir="ltr">{open.name}</bdi>: <Signed value={open.gradient} />
          </span>
          {open.streams.map((edge) => {
            const { derivative, to, product } = content.trace.edges[edge]!;
            return (
              <span key={edge} class="soft">
                {t("upstream {upstream} × local {local} = {product}", {
                  upstream: number(scalar(nodes[to]!.gradient), 4),
                  local: number(scalar(derivative?.value), 4),
                  product: number(scalar(product), 4),
                })}
              </span>
            );
          })}
        </p>
      )}
      <AsTable
        caption={t("What flows in each stream")}
        head={[t("from"), t("up to"), t("gradient")]}
        rows={map.streams.map((stream) => [nodes[stream.to]!.name, nodes[stream.from]!.name, stream.product])}
      />
    </div>
  );
}

function Spot({ place, open, choose }: { place: Place; open: boolean; choose(): void }) {
  const label = t("{name}: gradient {gradient}", { name: place.name, gradient: number(place.gradient, 4) });
  return (
    <g
      class={`spot ${place.spring ? "spring" : ""} ${place.ocean ? "ocean" : ""} ${open ? "open" : ""}`}
      role="button"
      tabIndex={0}
      aria-label={label}
      aria-pressed={open}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      }}
    >
      <rect class="hit" x={place.x - 22} y={place.y - 22} width={44} height={44} />
      <circle cx={place.x} cy={place.y} r={place.spring || place.ocean ? 15 : 7} />
      {(place.spring || place.ocean) && (
        <text x={place.x} y={place.y + 4.5} text-anchor="middle">
          {isolate(place.name)}
        </text>
      )}
    </g>
  );
}
