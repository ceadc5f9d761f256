/** The presenter's window: this slide, the next one, what to say, and how the time goes. */
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { number, t } from "../i18n/t";
import { Html, Inline } from "../lesson/html";
import type { Prose, Section } from "../lesson/prose";
import { language } from "../i18n/t";
import { channel } from "./channel";
import { Slide } from "./slide";

export function Presenter({ slides }: { slides: Prose }) {
  const { sections } = slides;
  const at = useSignal(0);
  const link = useRef<ReturnType<typeof channel> | null>(null);
  const show = (wanted: number, tell = true) => {
    at.value = Math.max(0, Math.min(sections.length - 1, wanted));
    if (tell) link.current?.tell({ at: at.value });
  };
  useLayoutEffect(() => {
    const opened = channel(({ at: there }) => there !== undefined && show(there, false));
    link.current = opened;
    opened.tell({ hello: true });
    return () => opened.close();
  }, []);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const ahead = language.value.direction === "rtl" ? "ArrowLeft" : "ArrowRight";
      const behind = ahead === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
      const by = { [ahead]: 1, PageDown: 1, [behind]: -1, PageUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      show(at.peek() + by);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [slides]);
  const now = sections[at.value]!;
  const next = sections[at.value + 1];
  const planned = (until: number) => sections.slice(0, until).reduce((sum, section) => sum + minutesOf(section), 0);
  const place = (i: number) => t("{n} of {count}", { n: i + 1, count: sections.length });
  return (
    <article class="presenter">
      <h1 class="unseen">{t("Presenter’s window")}</h1>
      <section class="presenter-now" aria-label={t("This slide")}>
        <Slide key={now.id} section={now} place={place(at.value)} state="small" eager />
      </section>
      <section class="presenter-next" aria-label={t("Next slide")}>
        <h2>{t("Next slide")}</h2>
        {next ? (
          <Slide key={next.id} section={next} place={place(at.value + 1)} state="small" eager />
        ) : (
          <p>{t("This is the last one.")}</p>
        )}
      </section>
      <section class="presenter-notes" aria-label={t("Notes")}>
        <h2>
          <Inline html={now.title} />
        </h2>
        {now.blocks.map((block, i) => block.kind === "notes" && <Html key={i} class="text" html={block.html} />)}
      </section>
      <div class="presenter-tools row">
        <button onClick={() => show(at.value - 1)} aria-disabled={at.value === 0}>
          {t("slide|Back")}
        </button>
        <button class="main" onClick={() => show(at.value + 1)} aria-disabled={!next}>
          {t("slide|Next")}
        </button>
        <Clock planned={planned(at.value + 1)} whole={planned(sections.length)} />
      </div>
    </article>
  );
}

const minutesOf = (section: Section): number =>
  section.blocks.reduce((sum, block) => sum + (block.kind === "notes" ? block.minutes : 0), 0);

/** The time of day, the time since the start, and when this slide is planned to end. */
function Clock({ planned, whole }: { planned: number; whole: number }) {
  const began = useSignal(Date.now());
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.floor((now.value - began.value) / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const clock = new Intl.DateTimeFormat(`${language.value.locale}-u-nu-latn`, { hour: "2-digit", minute: "2-digit" });
  return (
    <>
      <span data-testid="clock">{t("Time {time}", { time: clock.format(now.value) })}</span>
      <span class={seconds > planned * 60 ? "bad" : ""} data-testid="elapsed">
        {t("since the start {time}", { time: `${number(Math.floor(seconds / 60))}:${two(seconds % 60)}` })}
      </span>
      <span class="soft">{t("this slide ends at {minutes} of {whole} minutes", { minutes: planned, whole })}</span>
      <button onClick={() => (began.value = Date.now())}>{t("Start the clock again")}</button>
    </>
  );
}
