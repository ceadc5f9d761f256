/** What stands around every page: the way between pages, the switches, the live region. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useErrorBoundary, useLayoutEffect, useRef } from "preact/hooks";
import { online } from "../engine/engine";
import { choose, language, languages, t } from "../i18n/t";
import { Problem } from "../ui/Problem";
import { announced } from "./announce";
import { place } from "./router";
import { motion, setMotion } from "./settings";
import { ThemeChoice } from "./ThemeChoice";

type Loaded = { default: ComponentType };

/** The pages; each is fetched when it is first opened. */
const PAGES: Record<string, () => Promise<Loaded>> = {
  learn: () => import("../lesson/page"),
  slides: () => import("../slides/page"),
  questions: () => import("../questions/page"),
  glossary: () => import("../glossary/page"),
  lab: () => import("../lab/page"),
  playground: () => import("../playground/page"),
  words: () => import("../words/page"),
  steering: () => import("../steering/page"),
  progress: () => import("../progress/page"),
};

const nameOf = (page: string): string => {
  switch (page) {
    case "learn":
      return t("Lesson");
    case "slides":
      return t("Slides");
    case "questions":
      return t("Questions");
    case "glossary":
      return t("Glossary");
    case "lab":
      return t("Lab");
    case "playground":
      return t("Playground");
    case "words":
      return t("Next word");
    case "steering":
      return t("Steering");
    default:
      return t("Progress");
  }
};

function Switches() {
  return (
    <div class="switches">
      <label>
        <span class="unseen">{t("Language")}</span>
        <select
          value={language.value.code}
          onChange={(event) => void choose(event.currentTarget.value)}
          data-testid="language"
        >
          {languages.map((one) => (
            <option key={one.code} value={one.code} lang={one.locale}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      <ThemeChoice />
      <label class="tick">
        <input
          type="checkbox"
          checked={motion.value}
          onChange={(event) => setMotion(event.currentTarget.checked)}
          data-testid="motion"
        />
        {t("Motion")}
      </label>
    </div>
  );
}

function Connection() {
  if (online.value !== "off") return null;
  return (
    <p class="connection" role="status">
      {t("The engine cannot be reached. Trying again …")}
    </p>
  );
}

const RELOADED = "upriver.reloaded";
const RARELY = 20_000; // ms

/** Load everything again, but not for ever. */
function reload(): void {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RARELY) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
}

function NotShown() {
  return (
    <>
      <Problem sentence={t("This page could not be loaded.")} />
      <button onClick={() => location.reload()}>{t("Load it again.")}</button>
    </>
  );
}

/** A page that breaks leaves a sentence behind, and the way to the other pages. */
function Guarded({ Page }: { Page: ComponentType }) {
  const [error] = useErrorBoundary((found: unknown) => console.error(found));
  return error ? <NotShown /> : <Page />;
}

/** The page that the link asks for, as soon as it is there. */
function Current() {
  const page = place.value.page in PAGES ? place.value.page : "learn";
  const shown = useSignal<{ page: string; Page?: ComponentType; failed?: boolean }>({ page: "" });
  const main = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    let current = true;
    const load = PAGES[page] as () => Promise<Loaded>;
    load().then(
      ({ default: Page }) => {
        if (!current) return;
        const moved = shown.value.page !== "";
        shown.value = { page, Page };
        if (moved) {
          if (!place.value.rest) scrollTo(0, 0);
          // Who has gone on from the link while the page was fetched is left there, unless that goes with the old page.
          const at = document.activeElement;
          if (at === document.body || at?.matches(`main, main *, a[href="#/${page}"]`))
            main.current?.focus({ preventScroll: true });
        }
      },
      () => {
        if (current) shown.value = { page, failed: true };
      },
    );
    return () => {
      current = false;
    };
  }, [page]);
  // A browser remembers that a script could not be had: only the whole page, loaded again, asks for it again.
  useSignalEffect(() => {
    if (shown.value.failed && online.value === "on") reload();
  });
  useEffect(() => {
    document.title = `${nameOf(page)} · Upriver`;
  }, [page, language.value]);
  const { Page, failed } = shown.value;
  return (
    <main id="main" ref={main} tabIndex={-1} data-page={shown.value.page}>
      {failed && <NotShown />}
      {Page && !failed && <Guarded key={shown.value.page} Page={Page} />}
    </main>
  );
}

export function Shell() {
  const pages = useRef<HTMLUListElement>(null);
  // On a narrow screen the names of the pages are a row to be scrolled: the current one is in sight.
  useEffect(() => {
    // (Not scrollIntoView, which also tells the Tab key to go on from there.)
    const [row, link] = [pages.current?.parentElement, pages.current?.querySelector("[aria-current]")];
    if (!row || !link) return;
    const [room, at] = [row.getBoundingClientRect(), link.getBoundingClientRect()];
    row.scrollLeft += Math.max(0, at.right - room.right) - Math.max(0, room.left - at.left);
  }, [place.value.page, language.value]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        {t("Skip to the content")}
      </a>
      <header class="top">
        <a class="brand" href="#/learn">
          <img src="./icon.svg" alt="" width="26" height="26" /> Upriver
        </a>
        <nav aria-label={t("Pages")}>
          <ul ref={pages}>
            {Object.keys(PAGES).map((page) => (
              <li key={page}>
                <a href={`#/${page}`} aria-current={place.value.page === page ? "page" : undefined}>
                  {nameOf(page)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Switches />
      </header>
      <Connection />
      <Current />
      <div class="unseen" aria-live="polite" aria-atomic="true" data-testid="announced">
        {announced.value}
      </div>
    </>
  );
}
