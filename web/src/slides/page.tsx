/** The slides: one at a time, all at once, printed one to a page, or with a presenter's window beside them. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { note, place } from "../app/router";
import { language, number, t } from "../i18n/t";
import { useProse, type Prose } from "../lesson/prose";
import { suggestion } from "../lesson/suggest";
import { Terms } from "../lesson/terms";
import { types } from "../walk/keys";
import { printWhole } from "./print";
import { Presenter } from "./presenter";
import { Slide } from "./slide";
import { channel } from "./channel";
import "../lesson/lesson.css";
import "./slides.css";

export default function Page() {
  const slides = useProse("slides");
  if (!slides) return <div class="deck waiting" aria-busy="true" />;
  return place.value.parameters.has("presenter") ? <Presenter slides={slides} /> : <Deck slides={slides} />;
}

/** Which slide the link names, by its id. */
const named = (slides: Prose): number => {
  const { page, rest } = place.value;
  return page === "slides" ? slides.sections.findIndex(({ id }) => id === rest) : -1;
};

function Deck({ slides }: { slides: Prose }) {
  const { sections } = slides;
  const at = useSignal(Math.max(0, named(slides)));
  const overview = useSignal(false);
  const all = useSignal(false);
  const stage = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLDivElement>(null);
  const link = useSignal<ReturnType<typeof channel> | null>(null);

  const show = (wanted: number) => {
    const to = Math.max(0, Math.min(sections.length - 1, wanted));
    overview.value = false;
    if (to === at.value) return;
    at.value = to;
    const section = sections[to]!;
    note(`#/slides/${section.id}`);
    link.value?.tell({ at: to });
    announce(t("Slide {n} of {count}: {title}", { n: to + 1, count: sections.length, title: bare(section.title) }));
  };
  // (In the same turn, as all below: a slide that is turned before the next frame stays turned.)
  useLayoutEffect(() => {
    const found = named(slides);
    if (found >= 0) show(found);
  }, [place.value, slides]);
  // What was pressed in the overview is gone with it: the keyboard goes on from the slide.
  const wasOverview = useRef(false);
  useLayoutEffect(() => {
    const left = wasOverview.current && !overview.value;
    wasOverview.current = overview.value;
    if (left && document.activeElement === document.body)
      heading.current?.querySelector<HTMLElement>('[data-state="now"]')?.focus({ preventScroll: true });
  }, [overview.value]);
  useLayoutEffect(() => {
    const opened = channel(({ at: wanted, hello }) => {
      if (hello) opened.tell({ at: at.peek() });
      else if (wanted !== undefined) show(wanted);
    });
    link.value = opened;
    return () => opened.close();
  }, []);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      // A presenter's remote sends these, whatever was dragged last on the slide.
      const remote = event.key === "PageDown" || event.key === "PageUp";
      if (types(event.target) && !(remote && (event.target as Element).matches("input[type=range]"))) return;
      if (event.key === " " && (event.target as Element).closest?.("button, a, summary, [role=button]")) return;
      const rtl = language.value.direction === "rtl";
      const act: Record<string, () => void> = {
        [rtl ? "ArrowLeft" : "ArrowRight"]: () => show(at.peek() + 1),
        [rtl ? "ArrowRight" : "ArrowLeft"]: () => show(at.peek() - 1),
        PageDown: () => show(at.peek() + 1),
        PageUp: () => show(at.peek() - 1),
        " ": () => show(at.peek() + (event.shiftKey ? -1 : 1)),
        Home: () => show(0),
        End: () => show(sections.length - 1),
        o: () => (overview.value = !overview.peek()),
        f: fullscreen,
        p: present,
        Escape: () => (overview.value = false),
      };
      const found = act[event.key] ?? act[event.key.toLowerCase()];
      if (!found) return;
      event.preventDefault();
      found();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [slides]);
  const fullscreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void stage.current?.requestFullscreen?.();
  };
  const present = () =>
    void open(
      `${location.pathname}${location.search}#/slides?presenter=1`,
      "upriver-presenter",
      "popup,width=1100,height=700",
    );
  const print = async () => {
    all.value = true;
    await printWhole(stage.current);
  };

  return (
    <article class="deck" aria-label={bare(slides.title)}>
      <div class="deck-tools">
        <h1>{bare(slides.title)}</h1>
        <div class="row">
          <button onClick={() => show(at.value - 1)} aria-disabled={at.value === 0}>
            {t("slide|Back")}
          </button>
          <button class="main" onClick={() => show(at.value + 1)} aria-disabled={at.value === sections.length - 1}>
            {t("slide|Next")}
          </button>
          <span class="soft" data-testid="slide-number">
            <bdi dir="ltr">
              {number(at.value + 1)} / {number(sections.length)}
            </bdi>
          </span>
          <button aria-pressed={overview.value} onClick={() => (overview.value = !overview.value)}>
            {t("Overview")}
          </button>
          <button onClick={present}>{t("Presenter’s window")}</button>
          <button onClick={fullscreen}>{t("Full screen")}</button>
          <button onClick={() => void print()}>{t("Print or save as PDF")}</button>
        </div>
      </div>
      <Terms>
        <div class={overview.value ? "stage overview" : "stage"} ref={stage}>
          <div class="slides" ref={heading}>
            {sections.map((section, i) => (
              <Slide
                key={section.id}
                section={section}
                place={t("{n} of {count}", { n: i + 1, count: sections.length })}
                state={overview.value ? "small" : i === at.value ? "now" : "away"}
                eager={all.value || overview.value || Math.abs(i - at.value) <= 1}
                choose={overview.value ? () => show(i) : undefined}
              />
            ))}
          </div>
        </div>
      </Terms>
      <p class="soft keys unprinted">
        {t("Keys: ← → from slide to slide, O overview, P presenter’s window, F full screen.")}{" "}
        <a href={suggestion(language.value.code, "slides")} rel="noreferrer noopener" target="_blank">
          {t("Suggest an edit to this page")}
        </a>
      </p>
    </article>
  );
}

/** A title without its markup. */
export const bare = (html: string): string => html.replace(/<[^>]*>/g, "");
