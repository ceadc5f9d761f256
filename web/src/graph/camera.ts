/** What part of a picture shows, and how large: fitted by itself until the reader zooms or pans. */

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Rect } from "./content";
import type { Picture } from "./geometry";

export interface Size {
  width: number;
  height: number;
}

export interface Camera {
  /** The pixels that there are; 0 before the first layout. */
  size: Signal<Size>;
  /** Where the picture stands in the pane. It is moved as a whole, so that nothing of it is drawn again. */
  place: ReadonlySignal<string>;
  scale: ReadonlySignal<number>;
  /** Whether the reader has zoomed or panned. */
  held: ReadonlySignal<boolean>;
  /** The sides on which the picture goes on beyond the pane: "left", "right", both or none. */
  cut: ReadonlySignal<string>;
  zoom(by: number, at?: { x: number; y: number }): void;
  pan(dx: number, dy: number): void;
  fit(): void;
  /** Move no more than is needed for a box to be in view. */
  reveal(rect: Rect): void;
}

const MARGIN = 16;
/** Room around a picture for the strokes of its outermost boxes. */
export const EDGE = 8;
/** Smaller than this nothing can be read: a larger picture follows the walk instead. */
const READABLE = 0.72;
const READABLE_ON_PHONE = 0.6;
const PHONE = 500;
const LARGEST = 1.35;

/** The scale at which a picture of this size is first shown in so much room. */
export function firstScale(width: number, height: number, room: Size, readable = READABLE): number {
  const fit = Math.min((room.width - 2 * MARGIN) / width, (room.height - 2 * MARGIN) / height);
  return Math.max(readable, Math.min(LARGEST, fit));
}

export function createCamera(picture: ReadonlySignal<Picture>, size: Signal<Size>, compact = false): Camera {
  const chosen = signal<{ scale: number; x: number; y: number } | null>(null);
  const seen = signal<{ x: number; y: number } | null>(null);
  const first = () => {
    const { width, height } = picture.value;
    // A compact picture's pane is as high as the picture: its width alone decides.
    const room = compact ? { width: size.value.width, height: Infinity } : size.value;
    // On a phone small letters are better than boxes that are out of sight.
    return firstScale(width, height, room, room.width < PHONE ? READABLE_ON_PHONE : READABLE);
  };
  const scale = computed(() => chosen.value?.scale ?? first());

  /** The corner of the picture's pixels in the pane's: centred where it fits, else as far as it was moved. */
  const corner = computed(() => {
    if (chosen.value) return chosen.value;
    const along = (room: number, length: number, wanted: number | undefined) =>
      length + 2 * MARGIN <= room + 1
        ? (room - length) / 2
        : Math.min(MARGIN, Math.max(room - length - MARGIN, wanted ?? MARGIN));
    const { width, height, mirrored } = picture.value;
    const z = scale.value;
    const x = along(size.value.width, width * z, seen.value?.x ?? (mirrored ? -Infinity : undefined));
    return { x, y: along(size.value.height, height * z, seen.value?.y) };
  });

  function hold(): { scale: number; x: number; y: number } {
    return chosen.peek() ?? { scale: scale.peek(), ...corner.peek() };
  }
  return {
    size,
    scale,
    held: computed(() => chosen.value !== null),
    cut: computed(() => {
      const { x } = corner.value;
      const beyond = x + picture.value.width * scale.value > size.value.width + 1;
      return [...(x < -1 ? ["left"] : []), ...(beyond ? ["right"] : [])].join(" ");
    }),
    place: computed(() => {
      const { x, y } = corner.value;
      const z = scale.value;
      return `transform: translate(${(x - EDGE * z).toFixed(1)}px, ${(y - EDGE * z).toFixed(1)}px)`;
    }),
    zoom(by, at) {
      const now = hold();
      const { width, height } = size.peek();
      const to = Math.min(4, Math.max(0.1, now.scale * by));
      const [x, y] = [at?.x ?? width / 2, at?.y ?? height / 2];
      chosen.value = { scale: to, x: x - ((x - now.x) * to) / now.scale, y: y - ((y - now.y) * to) / now.scale };
    },
    pan(dx, dy) {
      const now = hold();
      chosen.value = { ...now, x: now.x + dx, y: now.y + dy };
    },
    fit() {
      const { width, height } = picture.peek();
      const room = size.peek();
      const z = firstScale(width, height, room, 0.05);
      const whole = { scale: z, x: (room.width - width * z) / 2, y: (room.height - height * z) / 2 };
      chosen.value = z >= READABLE ? null : whole;
      seen.value = null;
    },
    reveal([x, y, w, h]) {
      const now = hold();
      const room = size.peek();
      const move = (from: number, at: number, length: number, whole: number) => {
        const [low, high] = [from + at * now.scale, from + (at + length) * now.scale];
        return low >= 0 && high <= whole ? from : whole / 2 - (at + length / 2) * now.scale;
      };
      const to = { x: move(now.x, x, w, room.width), y: move(now.y, y, h, room.height) };
      if (to.x === now.x && to.y === now.y) return;
      if (chosen.peek()) chosen.value = { ...now, ...to };
      else seen.value = to;
    },
  };
}
