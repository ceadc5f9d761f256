/** One slide of 1280 by 720, made as large as its place allows; on a narrow screen it flows like a page. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Figure } from "../figures/figure";
import { Html, Inline } from "../lesson/html";
import type { Section } from "../lesson/prose";

const WIDTH = 1280;
/** Below this a slide would be too small to be read. */
const NARROW = 720;

interface Props {
  section: Section;
  place: string;
  state: "now" | "away" | "small";
  /** Whether its figure is fetched already. */
  eager: boolean;
  choose?(): void;
}

export function Slide({ section, place, state, eager, choose }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const scale = useSignal(1);
  const narrow = useSignal(false);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    // Whether it flows is told by the room around it: a slide that does not show has no width of its own.
    const around = element.parentElement ?? element;
    const measure = () => {
      scale.value = element.clientWidth / WIDTH || scale.peek();
      narrow.value = around.clientWidth < NARROW;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(around);
    return () => observer.disconnect();
  }, []);
  const flowing = state !== "small" && narrow.value;
  const title = `slide-${section.id}`;
  return (
    <section
      class="slide-frame"
      data-state={state}
      data-flowing={flowing}
      data-slide={section.id}
      aria-labelledby={title}
      aria-hidden={state === "away"}
      inert={state === "away"}
      ref={frame}
      tabIndex={-1}
    >
      <div
        class="slide"
        style={flowing ? { transform: "" } : { transform: `scale(${scale.value})` }}
        inert={state === "small"}
      >
        <h2 id={title}>
          <Inline html={section.title} />
        </h2>
        <div class="slide-body">
          <div class="slide-text">
            {section.blocks.map((block, i) => block.kind === "text" && <Html key={i} class="text" html={block.html} />)}
          </div>
          {section.blocks.map(
            (block, i) =>
              block.kind === "figure" && (
                <Figure
                  key={i}
                  name={block.name}
                  caption={block.html}
                  document="slides"
                  section={section.id}
                  eager={eager}
                />
              ),
          )}
        </div>
        <p class="slide-place soft">{place}</p>
      </div>
      {choose && (
        <button class="slide-choose" onClick={choose}>
          <span class="unseen">
            <Inline html={section.title} />
          </span>
        </button>
      )}
    </section>
  );
}
