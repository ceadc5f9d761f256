/** Terms of the glossary where they stand in a text: their meaning beside them on hover, on focus, or at a touch. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { language, t } from "../i18n/t";
import { load, type Section } from "./prose";
import { Html, Inline } from "./html";

interface Open {
  link: HTMLAnchorElement;
  term: Section;
  /** Opened by a touch, so it stays and offers the way to the glossary. */
  stays: boolean;
}

/** Long enough that a pointer on its way somewhere else opens nothing. */
const HOVER = 150;

export function Terms({ children }: { children: ComponentChildren }) {
  const open = useSignal<Open | null>(null);
  const timer = useRef(0);
  const id = useId();
  const code = language.value.code;

  const link = (event: Event): HTMLAnchorElement | null =>
    event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a.term") : null;
  const show = async (found: HTMLAnchorElement, stays: boolean) => {
    const glossary = await load("glossary", code);
    const term = glossary.sections.find((section) => section.id === found.dataset["term"]);
    if (term && found.isConnected) open.value = { link: found, term, stays };
  };
  const later = (what: () => void, wait: number) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(what, wait);
  };
  const close = () => {
    clearTimeout(timer.current);
    open.value = null;
  };
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") close();
    };
    addEventListener("keydown", key);
    return () => {
      removeEventListener("keydown", key);
      clearTimeout(timer.current);
    };
  }, []);
  const opened = open.value?.link;
  useEffect(() => {
    opened?.setAttribute("aria-describedby", id);
    return () => opened?.removeAttribute("aria-describedby");
  }, [opened]);

  return (
    <div
      class="terms"
      onPointerOver={(event) => {
        const found = link(event);
        if (event.pointerType === "touch" || open.value?.stays) return;
        if (found) later(() => void show(found, false), HOVER);
        else if (!(event.target as Element).closest(".term-card")) later(close, HOVER);
      }}
      onPointerLeave={() => open.value && !open.value.stays && later(close, HOVER)}
      onFocusIn={(event) => {
        const found = link(event);
        if (found?.matches(":focus-visible")) void show(found, false);
      }}
      onFocusOut={() => !open.value?.stays && close()}
      onClick={(event) => {
        const found = link(event);
        // A finger cannot hover: the first touch shows the meaning, which has the link in it.
        if (found && matchMedia("(hover: none)").matches) {
          event.preventDefault();
          void show(found, true);
        } else if (!(event.target as Element).closest(".term-card")) close();
      }}
    >
      {children}
      {open.value && <Card id={id} {...open.value} />}
    </div>
  );
}

function Card({ id, link, term, stays }: Open & { id: string }) {
  const card = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = card.current;
    if (!element) return;
    const room = 8;
    const at = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    const left = Math.max(room, Math.min(at.left + at.width / 2 - width / 2, wide - width - room));
    const above = at.top - height - room;
    element.style.left = `${left + scrollX}px`;
    element.style.top = `${(above > room ? above : at.bottom + room) + scrollY}px`;
  }, [link, term]);
  return (
    <div class="term-card" id={id} role={stays ? "note" : "tooltip"} ref={card}>
      <strong>
        <Inline html={term.title} />
      </strong>
      {term.blocks.map((block, i) => block.kind === "text" && <Html key={i} html={block.html} />)}
      {stays && <a href={`#/glossary/${term.id}`}>{t("In the glossary")}</a>}
    </div>
  );
}
