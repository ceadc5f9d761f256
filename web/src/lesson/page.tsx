/** The lesson: the worked example on the first screen, then the text with its figures, and how far one has come. */
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { place } from "../app/router";
import { asked } from "../figures/answer";
import { request } from "../figures/data";
import { Figure } from "../figures/figure";
import { language, number, t } from "../i18n/t";
import { count, markRead, percent, share } from "../progress/store";
import { Blocks } from "./blocks";
import { Contents } from "./contents";
import { Inline } from "./html";
import { load, useProse, type Block, type Prose, type Section } from "./prose";
import { suggestion } from "./suggest";
import { Terms } from "./terms";
import "./lesson.css";

// The first screen's parts are fetched side by side, not one after another.
void load("lesson", language.peek().code);
void import("../figures/worked");
asked(request("worked", 0)).catch(() => undefined);

export default function Page() {
  const lesson = useProse("lesson");
  return lesson ? <Lesson lesson={lesson} /> : <div class="lesson waiting" aria-busy="true" />;
}

function Lesson({ lesson }: { lesson: Prose }) {
  const here = useSignal("");
  useEffect(() => count(toCount(lesson)), [lesson]);
  useEffect(() => {
    const { page, rest } = place.value;
    if (page === "learn" && rest) document.getElementById(rest)?.scrollIntoView();
  }, [place.value]);
  const first = lesson.intro.findIndex((block) => block.kind === "figure");
  const hero = lesson.intro[first] as Extract<Block, { kind: "figure" }> | undefined;
  return (
    <Terms>
      <article class="lesson" aria-labelledby="lesson-title">
        <header class="opening">
          <div class="opening-title">
            <h1 id="lesson-title">
              <Inline html={lesson.title} />
            </h1>
            <p class="soft facts">
              {t("{minutes, plural, one {about # minute} other {about # minutes}}", { minutes: lesson.minutes })}
              <span aria-hidden="true"> · </span>
              {levelName(lesson.level)}
              <span aria-hidden="true"> · </span>
              <span data-testid="percent">{t("{percent} done", { percent: percent(share.value) })}</span>
            </p>
          </div>
          {hero && <Figure name={hero.name} caption={hero.html} document="lesson" section="" eager />}
          <div class="opening-text">
            <Blocks blocks={lesson.intro.filter((_, i) => i !== first)} document="lesson" section="" />
          </div>
        </header>
        <Contents lesson={lesson} here={here} />
        <div class="story">
          {lesson.sections.map((section, i) => (
            <Part key={section.id} section={section} number={i + 1} here={here} />
          ))}
          <p class="edit unprinted">
            <a href={suggestion(language.value.code, "lesson")} rel="noreferrer noopener" target="_blank">
              {t("Suggest an edit to this page")}
            </a>
          </p>
        </div>
      </article>
    </Terms>
  );
}

function Part({ section, number: n, here }: { section: Section; number: number; here: Signal<string> }) {
  const part = useRef<HTMLElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const { id } = section;
  useEffect(() => {
    if (!part.current || !end.current) return undefined;
    // One is in the section that crosses the upper third of the window, and has read it when its end is seen.
    const inside = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) here.value = id;
      },
      { rootMargin: "-30% 0px -65% 0px" },
    );
    const seen = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) markRead(id);
    });
    inside.observe(part.current);
    seen.observe(end.current);
    return () => {
      inside.disconnect();
      seen.disconnect();
    };
  }, [id]);
  return (
    <section id={id} ref={part} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>
        <a class="anchor" href={`#/learn/${id}`}>
          <span class="section-number" aria-hidden="true">
            {number(n)}
          </span>
          <Inline html={section.title} />
        </a>
      </h2>
      <Blocks blocks={section.blocks} document="lesson" section={id} />
      <div ref={end} class="section-end" />
    </section>
  );
}

function levelName(level: string): string {
  switch (level) {
    case "beginner":
      return t("level|beginner");
    case "advanced":
      return t("level|advanced");
    default:
      return t("level|intermediate");
  }
}

/** What the percentage counts: each section read, each check and each prediction answered rightly. */
function toCount(lesson: Prose): string[] {
  const items: string[] = [];
  for (const section of lesson.sections) {
    items.push(`section ${section.id}`);
    for (const block of section.blocks) {
      if (block.kind === "check") items.push(`check ${block.id}`);
      if (block.kind === "predict") items.push(`predict ${block.name}`);
    }
  }
  return items;
}
