/** The network: every unit with its own map of the plane, every weight a line as wide as it is large. */
import { useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { shownTheme } from "../app/settings";
import { language, number, t } from "../i18n/t";
import { beside, curve, same, shapeOf, type Move, type Shape } from "./geometry";
import { ColumnHeads } from "./ColumnHeads";
import type { Playground } from "./model";
import { colours, gradientWidth, heat, widthOf } from "./paint";
import { placeOf, type Part, type Scene } from "./types";

const SIDE = 20; // cells of a unit's map each way

export type Lines = "weights" | "gradients";

/** What a part is called. */
export function nameOf(part: Part, scene: Scene): string {
  const feature = (i: number) => scene.features[i] ?? "";
  const { layer, unit, from } = part;
  const output = layer === scene.sizes.length - 1;
  if (layer === 0) return t("Feature {name}", { name: feature(unit) });
  if (from === null) return output ? t("Output") : t("Layer {layer}, unit {unit}", { layer, unit: unit + 1 });
  if (from === "bias") {
    return output ? t("Bias of the output") : t("Bias of unit {unit} in layer {layer}", { layer, unit: unit + 1 });
  }
  const source = layer === 1 ? feature(from) : String(from + 1);
  if (output) {
    return layer === 1
      ? t("Weight from feature {source} to the output", { source })
      : t("Weight from unit {source} to the output", { source });
  }
  return layer === 1
    ? t("Weight from feature {source} to unit {unit} of layer {layer}", { source, unit: unit + 1, layer })
    : t("Weight from unit {source} to unit {unit} of layer {layer}", { source, unit: unit + 1, layer });
}

interface Props {
  ground: Playground;
  side: number;
  lines: Signal<Lines>;
  room: Signal<number>;
}

export function Net({ ground, side, lines, room }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const scene = ground.scenes.value[side];
  const mirrored = language.value.direction === "rtl";
  const shape = useMemo(
    () => (scene ? shapeOf(scene.sizes, room.value, mirrored) : null),
    [scene, room.value, mirrored],
  );
  useEffect(() => {
    const watched = new ResizeObserver(() => (room.value = host.current?.clientWidth ?? room.value));
    if (host.current) watched.observe(host.current);
    return () => watched.disconnect();
  }, []);
  return (
    <div class="pg-net" ref={host} data-testid={`net-${side}`}>
      {shape && scene && <Drawn ground={ground} side={side} scene={scene} shape={shape} lines={lines} />}
    </div>
  );
}

interface DrawnProps extends Omit<Props, "room"> {
  scene: Scene;
  shape: Shape;
}

function Drawn({ ground, side, scene, shape, lines }: DrawnProps) {
  const paths = useRef<SVGGElement>(null);
  const tiles = useRef<HTMLDivElement>(null);
  const here = useSignal<Part>({ side, layer: 1, unit: 0, from: null });
  const { sizes } = scene;
  const weights = useMemo(() => {
    const found: Part[] = [];
    for (let layer = 1; layer < sizes.length; layer++) {
      for (let unit = 0; unit < (sizes[layer] ?? 0); unit++) {
        for (let from = 0; from < (sizes[layer - 1] ?? 0); from++) found.push({ side, layer, unit, from });
      }
    }
    return found;
  }, [scene]);

  // Written by hand, and only what has changed: a thousand lines would be too many to be rendered at every frame.
  useSignalEffect(() => {
    const now = ground.slow.value[side];
    const group = paths.current;
    if (!now || !group || now.weights.length === 0) return;
    const gradients = lines.value === "gradients";
    const values = gradients ? now.gradients : now.weights;
    let most = 0;
    if (!gradients) for (const value of values) most = Math.max(most, Math.abs(value));
    weights.forEach((part, i) => {
      const value = values[placeOf(sizes, part.layer, part.unit, part.from as number)] ?? 0;
      const path = group.children[2 * i] as SVGPathElement;
      const width = (gradients ? gradientWidth(value) : widthOf(value, most)).toFixed(1);
      const sign = value < 0 ? "minus" : "plus";
      if (path.dataset.width !== width) path.setAttribute("stroke-width", (path.dataset.width = width));
      if (path.dataset.sign !== sign) path.dataset.sign = sign;
    });
  });
  const drawn = useRef<{ units?: Uint8Array; theme?: string }>({});
  useSignalEffect(() => {
    const now = ground.nows.value[side];
    const theme = shownTheme.value;
    const canvases = tiles.current;
    if (!now || !canvases) return;
    const fresh = drawn.current.theme !== theme;
    const all = (name: string) => canvases.querySelectorAll<HTMLCanvasElement>(`canvas[data-${name}]`);
    if (fresh || drawn.current.units !== now.units) {
      all("unit").forEach((canvas, i) => heat(canvas, now.units, i * SIDE * SIDE, SIDE, colours().units));
      all("output").forEach((canvas) => heat(canvas, now.map, 0, 60, colours().units));
    }
    if (fresh)
      all("feature").forEach((canvas, i) => heat(canvas, scene.inputs, i * SIDE * SIDE, SIDE, colours().units));
    drawn.current = { units: now.units, theme };
  });

  const find = (part: Part) =>
    host()?.querySelector<HTMLElement>(`[data-part="${part.layer}.${part.unit}.${part.from ?? ""}"]`);
  const host = () => tiles.current?.parentElement;
  const tell = (part: Part) => {
    const now = ground.nows.peek()[side];
    if (!now || part.layer === 0) return nameOf(part, scene);
    const at = placeOf(sizes, part.layer, part.unit, part.from ?? "bias");
    const args = {
      name: nameOf(part, scene),
      value: number(now.weights[at] ?? 0, 3),
      gradient: number(now.gradients[at] ?? 0, 2),
    };
    return part.from === null
      ? t("{name}: bias {value}, its gradient {gradient}", args)
      : t("{name}: {value}, gradient {gradient}", args);
  };
  const choose = (part: Part) => {
    here.value = part;
    if (part.layer > 0) ground.chosen.value = part;
  };
  const open = (part: Part) => {
    if (part.layer === 0) return;
    choose(part);
    void ground.open(part);
  };
  const key = (event: KeyboardEvent) => {
    const moves: Record<string, Move> = {
      ArrowRight: mirror() ? "back" : "ahead",
      ArrowLeft: mirror() ? "ahead" : "back",
      ArrowUp: "up",
      ArrowDown: "down",
    };
    const move = moves[event.key];
    if (move) {
      const next = beside(sizes, here.value, move);
      if (next) {
        choose(next);
        find(next)?.focus();
        announce(tell(next));
      }
    } else if (event.key === "b" && here.value.from === null && here.value.layer > 0) {
      open({ ...here.value, from: "bias" });
    } else if (event.key === "Enter" || event.key === " ") open(here.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const mirror = () => language.peek().direction === "rtl";
  const chosen = ground.chosen.value;
  const isHere = (part: Part) => same(part, here.value);
  return (
    <div class="pg-net-inner" style={{ width: `${shape.width}px` }}>
      <ColumnHeads ground={ground} side={side} shape={shape} />
      <div
        class="pg-net-plane"
        style={{ height: `${shape.height}px` }}
        role="group"
        tabIndex={-1}
        aria-label={t("The network. Arrow keys move between units and weights, Enter opens a gradient.")}
        onKeyDown={key}
      >
        <svg width={shape.width} height={shape.height} class={`pg-lines ${lines.value}`}>
          <g ref={paths}>
            {weights.flatMap((part) => {
              const { layer, unit, from } = part;
              const a = shape.at[layer - 1]?.[from as number];
              const b = shape.at[layer]?.[unit];
              if (!a || !b) return [];
              const d = curve(a, b, shape.tile);
              return [
                <path key={`l${layer}.${unit}.${from}`} d={d} class="pg-line" data-chosen={same(part, chosen)} />,
                <path
                  key={`h${layer}.${unit}.${from}`}
                  d={d}
                  class="pg-hit"
                  role="button"
                  aria-label={nameOf(part, scene)}
                  data-part={`${layer}.${unit}.${from}`}
                  tabIndex={isHere(part) ? 0 : -1}
                  onPointerEnter={() => !ground.opened.peek() && (ground.chosen.value = part)}
                  onFocus={() => choose(part)}
                  onClick={() => open(part)}
                />,
              ];
            })}
          </g>
        </svg>
        <div ref={tiles} class="pg-tiles">
          {shape.at.flatMap((units, layer) =>
            units.map(([x, y], unit) => {
              const part: Part = { side, layer, unit, from: null };
              const output = layer === shape.at.length - 1;
              const which = layer === 0 ? { "data-feature": "" } : output ? { "data-output": "" } : { "data-unit": "" };
              const style = {
                left: `${x - shape.tile / 2}px`,
                top: `${y - shape.tile / 2}px`,
                width: `${shape.tile}px`,
                height: `${shape.tile}px`,
              };
              return (
                <button
                  key={`${layer}.${unit}`}
                  class="pg-unit"
                  style={style}
                  data-part={`${layer}.${unit}.`}
                  data-chosen={same(part, chosen)}
                  tabIndex={isHere(part) ? 0 : -1}
                  aria-label={nameOf(part, scene)}
                  onPointerEnter={() => layer > 0 && !ground.opened.peek() && (ground.chosen.value = part)}
                  onFocus={() => choose(part)}
                  onClick={() => open(part)}
                >
                  <canvas width={SIDE} height={SIDE} {...which} />
                  {layer === 0 && <span class="ltr">{scene.features[unit]}</span>}
                </button>
              );
            }),
          )}
        </div>
      </div>
    </div>
  );
}
