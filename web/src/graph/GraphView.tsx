/** The graph of a trace: boxes and lines, values, gradients once they have arrived, and the place in the walk. */

import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { Fragment, type ComponentChildren, type JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { t } from "../i18n/t";
import type { Walk } from "../walk/walk";
import { Box } from "./Box";
import { createCamera, EDGE, firstScale, type Camera, type Size } from "./camera";
import type { Content, View } from "./content";
import { isolate, mirrored } from "./direction";
import { alike, around, neighbour, pictureOf, toggled, viewOf, wayOf, type Picture } from "./geometry";
import "./graph.css";
import { Lines } from "./Lines";
import { Toolbar } from "./Toolbar";
import { spell } from "./spell";
import { spoken } from "./words";

const LARGE = 120;
/** Where the first view would be smaller than this, the narrow one is taken if that is larger. */
const NARROW = 0.7;

export interface GraphViewProps {
  content: ReadonlySignal<Content>;
  walk: Walk;
  /** In a text: as high as the picture, no tools, and the wheel scrolls the page. */
  compact?: boolean;
  /** What a screen reader calls it. */
  label?: string;
}

export function GraphView({ content, walk, compact = false, label }: GraphViewProps): JSX.Element {
  const size = useSignal<Size>({ width: 0, height: 0 });
  const picture = usePicture(content, walk, size, compact);
  const camera = useMemo(() => createCamera(picture, size, compact), []);
  const pane = useRef<HTMLDivElement>(null);
  const { at, wanted, hand } = useFocus(picture, walk, pane);
  useSize(pane, size);
  useDrag(pane, camera, compact);

  // The walk is followed; the reader's own place in the graph is not taken away.
  useSignalEffect(() => {
    const nodes = walk.lit.value.nodes;
    const shown = picture.value;
    const keys = [...shown.boxes.keys()].filter((key) => touches(content.peek(), key, nodes));
    const rect = keys.length ? shown.boxes.get(keys.at(-1)!) : undefined;
    if (rect && size.value.width) camera.reveal(rect);
  });
  const height = useComputed(() => {
    if (!compact) return "";
    return `block-size: ${Math.ceil(picture.value.height * camera.scale.value) + 34}px`;
  });
  // Before it is measured it does not show; a large one does without the small movements.
  const still = useComputed(() => {
    const large = picture.value.boxes.size > LARGE ? "pane large" : "pane";
    return size.value.width ? large : `${large} unmeasured`;
  });

  function press(key: string): void {
    wanted.value = key;
    walk.open.value = key;
  }
  function toggle(key: string): void {
    const to = toggled(content.peek(), viewName(walk, content.peek(), size.peek(), compact), key);
    if (to === undefined) return;
    wanted.value = key;
    walk.view.value = to;
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = at.peek();
    const way = wayOf(event.key, picture.peek());
    if (way) {
      const to = neighbour(picture.peek(), key, way);
      if (to !== undefined) move(to);
    } else if (event.key === "Enter" || event.key === " ") {
      if (event.key === " ") return;
      if (picture.peek().frames.has(key) || (content.peek().groups[key] && walk.open.peek() === key)) toggle(key);
      else press(key);
    } else if (event.key === "c" || event.key === "C") {
      const view = viewOf(content.peek(), viewName(walk, content.peek(), size.peek(), compact));
      const group = content.peek().groups[key] ? key : around(content.peek(), view, key);
      if (group) toggle(group);
    } else if (event.key === "+" || event.key === "=") camera.zoom(1.2);
    else if (event.key === "-") camera.zoom(1 / 1.2);
    else if (event.key === "0") camera.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function move(key: string): void {
    wanted.value = key;
    const to = at.value;
    boxOf(pane.current, to)?.focus({ preventScroll: true });
    const rect = picture.peek().boxes.get(to);
    if (rect) camera.reveal(rect);
    announce(spoken(walk, to));
  }

  return (
    <div class={compact ? "graph compact" : "graph"}>
      {compact ? null : <Toolbar walk={walk} camera={camera} move={move} />}
      <div ref={pane} class={still} style={height} data-cut={camera.cut}>
        <Sheet camera={camera} picture={picture} label={label ?? t("Graph")} onKeyDown={onKeyDown}>
          <Parts walk={walk} picture={picture} at={at} drawn={hand} press={press} toggle={toggle} />
        </Sheet>
      </div>
      {compact && camera.cut.value ? (
        <p class="soft sideways">{t("Drag the graph sideways to see all of it.")}</p>
      ) : null}
    </div>
  );
}

interface SheetProps {
  camera: Camera;
  picture: ReadonlySignal<Picture>;
  label: string;
  onKeyDown(event: KeyboardEvent): void;
  children: ComponentChildren;
}

/** What the picture is drawn on: as large as it is at the scale of the camera, and moved by it. */
function Sheet({ camera, picture, label, onKeyDown, children }: SheetProps): JSX.Element {
  const { width, height } = picture.value;
  const scale = camera.scale.value;
  const [w, h] = [width + 2 * EDGE, height + 2 * EDGE];
  return (
    <svg
      role="application"
      aria-label={label}
      aria-roledescription={t("graph")}
      direction={mirrored.value ? "rtl" : "ltr"}
      viewBox={`${-EDGE} ${-EDGE} ${w} ${h}`}
      width={w * scale}
      height={h * scale}
      style={camera.place}
      onKeyDown={onKeyDown}
    >
      {children}
    </svg>
  );
}

interface PartsProps {
  walk: Walk;
  picture: ReadonlySignal<Picture>;
  at: ReadonlySignal<string>;
  /** Called in the same turn in which boxes came or went, before the next key can be pressed. */
  drawn(): void;
  press(key: string): void;
  toggle(key: string): void;
}

function Parts({ walk, picture, at, drawn, press, toggle }: PartsProps): JSX.Element {
  const { frames, boxes } = picture.value;
  useLayoutEffect(drawn, [picture.value]);
  const groups = walk.model.value.content.groups;
  return (
    <Fragment>
      {[...frames].map(([key, [x, y, width, height]]) => (
        <g
          key={`f${key}`}
          class="frame"
          data-key={key}
          role="button"
          tabindex={at.value === key ? 0 : -1}
          aria-expanded="true"
          aria-label={t("{name}: open module. Press to close it.", { name: isolate(`⊟ ${spell(groups[key]?.t)}`) })}
          onClick={() => toggle(key)}
        >
          <rect x={x} y={y} width={width} height={height} rx={12} />
          <text x={mirrored.value ? x + width - 12 : x + 12} y={y + 17} class="soft">
            {isolate(`⊟ ${spell(groups[key]?.t)}`)}
          </text>
        </g>
      ))}
      <Lines walk={walk} picture={picture.value} />
      {[...boxes].map(([key, rect]) => (
        <Box
          key={key}
          walk={walk}
          id={key}
          rect={rect}
          at={at}
          press={(k) => (groups[k] && walk.open.peek() === k ? toggle(k) : press(k))}
        />
      ))}
    </Fragment>
  );
}

/** The picture of the view that is wanted; where only numbers change, the one that there was. */
function usePicture(
  content: ReadonlySignal<Content>,
  walk: Walk,
  size: ReadonlySignal<Size>,
  compact: boolean,
): ReadonlySignal<Picture> {
  const kept = useRef<{ view: View; picture: Picture } | null>(null);
  return useComputed(() => {
    const model = walk.model.value;
    const view = viewOf(content.value, viewName(walk, content.value, size.value, compact));
    const last = kept.current;
    if (last && last.picture.mirrored === mirrored.value && alike(last.view, view)) return last.picture;
    const picture = pictureOf(model, view, mirrored.value);
    kept.current = { view, picture };
    return picture;
  });
}

/** The view that shows: the one chosen, else the first, or the narrow one where the first would be too small. */
function viewName(walk: Walk, content: Content, room: Size, compact: boolean): string {
  const chosen = walk.view.value;
  if (chosen && chosen in content.views) return chosen;
  if (!("narrow" in content.views) || !room.width) return "first";
  const space = compact ? { width: room.width, height: Infinity } : room;
  const [wide, narrow] = [viewOf(content, "first"), viewOf(content, "narrow")];
  const scale = firstScale(wide.w, wide.h, space, 0);
  return scale < NARROW && firstScale(narrow.w, narrow.h, space, 0) > scale * 1.15 ? "narrow" : "first";
}

const touches = (content: Content, key: string, nodes: Set<number>): boolean =>
  content.groups[key] ? content.groups[key].n.some((node) => nodes.has(node)) : nodes.has(Number(key.slice(1)));

const boxOf = (pane: HTMLElement | null, key: string): SVGGElement | null =>
  pane?.querySelector<SVGGElement>(`[data-key="${key}"]`) ?? null;

/** The box that the Tab key comes to. Where it is redrawn, opened or shut, the keyboard stays with it. */
function useFocus(picture: ReadonlySignal<Picture>, walk: Walk, pane: { current: HTMLDivElement | null }) {
  const wanted = useSignal("");
  const at = useComputed(() => {
    const { boxes, frames } = picture.value;
    if (boxes.has(wanted.value) || frames.has(wanted.value)) return wanted.value;
    const content = walk.content.value;
    const node = content.groups[wanted.value]?.n[0] ?? (wanted.value ? Number(wanted.value.slice(1)) : NaN);
    const holder = [...boxes.keys()].find((key) => content.groups[key]?.n.includes(node));
    const root = `n${walk.model.value.trace.result.node}`;
    return holder ?? (boxes.has(root) ? root : ([...boxes.keys()].at(-1) ?? ""));
  });
  const last = useRef<Element | null>(null);
  useLayoutEffect(() => {
    // A box that is taken out of the page says nothing of use; so what is heard is where else the focus goes.
    const heard = (event: Event) => {
      const target = event.target as Element;
      const inside = pane.current?.contains(target) ?? false;
      if (!inside) last.current = null;
      if (!inside || event.type !== "focusin") return;
      last.current = target;
      const key = target.closest<SVGElement>("[data-key]")?.dataset.key;
      if (key) wanted.value = key;
    };
    const kinds = ["focusin", "pointerdown"];
    for (const kind of kinds) document.addEventListener(kind, heard);
    return () => kinds.forEach((kind) => document.removeEventListener(kind, heard));
  }, []);
  function hand(): void {
    // Only where the box that had the focus is gone: nobody's focus is taken away.
    if (last.current && !last.current.isConnected) boxOf(pane.current, at.peek())?.focus({ preventScroll: true });
  }
  return { at, wanted, hand };
}

function useSize(pane: { current: HTMLDivElement | null }, size: { value: Size }): void {
  useLayoutEffect(() => {
    const element = pane.current!;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width !== size.value.width || height !== size.value.height) size.value = { width, height };
    };
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, []);
}

/** Dragging pans, two fingers and Ctrl with the wheel zoom, the wheel alone pans where the graph is the page. */
function useDrag(pane: { current: HTMLDivElement | null }, camera: Camera, compact: boolean): void {
  useLayoutEffect(() => {
    const element = pane.current!;
    const fingers = new Map<number, { x: number; y: number }>();
    const place = (event: PointerEvent | WheelEvent) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const down = (event: PointerEvent) => {
      if (event.button === 0) fingers.set(event.pointerId, place(event));
    };
    const move = (event: PointerEvent) => {
      const from = fingers.get(event.pointerId);
      if (!from) return;
      const to = place(event);
      if (fingers.size === 1 && Math.hypot(to.x - from.x, to.y - from.y) < 4 && !element.classList.contains("panning"))
        return;
      element.classList.add("panning");
      element.setPointerCapture(event.pointerId);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const was = Math.hypot(from.x - other.x, from.y - other.y);
        const is = Math.hypot(to.x - other.x, to.y - other.y);
        if (was > 0) camera.zoom(is / was, { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 });
      } else camera.pan(to.x - from.x, to.y - from.y);
      fingers.set(event.pointerId, to);
    };
    const up = (event: PointerEvent) => {
      fingers.delete(event.pointerId);
      if (!fingers.size) element.classList.remove("panning");
    };
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) camera.zoom(1.0015 ** -event.deltaY, place(event));
      else if (compact) return;
      else camera.pan(-event.deltaX, -event.deltaY);
      event.preventDefault();
    };
    const handlers = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up } as const;
    for (const [name, handler] of Object.entries(handlers)) element.addEventListener(name, handler as EventListener);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      for (const [name, handler] of Object.entries(handlers))
        element.removeEventListener(name, handler as EventListener);
      element.removeEventListener("wheel", wheel);
    };
  }, []);
}
