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

const linkOf = (event: Event): HTMLAnchorElement | null =>
  event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a.term") : null;
const inCard = (event: Event): boolean => event.target instanceof Element && !!event.target.closest(".term-card");

export function Terms({ children }: { children: ComponentChildren }) {
  const host = useRef<HTMLDivElement>(null);
  const open = useSignal<Open | null>(null);
  const id = useId();

  useLayoutEffect(() => {
    let timer = 0;
    let wanted: HTMLAnchorElement | null = null;
    const show = async (link: HTMLAnchorElement, stays: boolean) => {
      wanted = link;
      const glossary = await load("glossary", language.peek().code);
      const term = glossary.sections.find((section) => section.id === link.dataset["term"]);
      // Whoever has gone on by the time it is there does not want it any more.
      if (term && link === wanted && link.isConnected) open.value = { link, term, stays };
    };
    const close = () => {
      clearTimeout(timer);
      wanted = null;
      open.value = null;
    };
    const later = (what: () => void) => {
      clearTimeout(timer);
      timer = window.setTimeout(what, HOVER);
    };
    const stays = () => open.peek()?.stays ?? false;
    const listeners: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void } = {
      pointerover(event) {
        const link = linkOf(event);
        if (event.pointerType === "touch" || stays()) return;
        if (link) later(() => void show(link, false));
        else if (!inCard(event)) later(close);
      },
      pointerleave: () => !stays() && later(close),
      focusin(event) {
        const link = linkOf(event);
        if (link?.matches(":focus-visible")) void show(link, false);
      },
      focusout: () => !stays() && close(),
      click(event) {
        const link = linkOf(event);
        // A finger cannot hover: the first touch shows the meaning, which has the link in it.
        if (link && matchMedia("(hover: none)").matches) {
          event.preventDefault();
          void show(link, true);
        } else if (!inCard(event)) close();
      },
    };
    const element = host.current;
    const all = Object.entries(listeners) as [string, EventListener][];
    for (const [name, listener] of all) element?.addEventListener(name, listener);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && close();
    addEventListener("keydown", escape);
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of all) element?.removeEventListener(name, listener);
      removeEventListener("keydown", escape);
    };
  }, []);
  const opened = open.value?.link;
  useEffect(() => {
    opened?.setAttribute("aria-describedby", id);
    return () => opened?.removeAttribute("aria-describedby");
  }, [opened]);

  return (
    <div class="terms" ref={host}>
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
