/** Tabs as the ARIA practices describe them: arrows move, the panel follows. */
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { language } from "../i18n/t";

export interface Tab {
  key: string;
  label: string;
  panel(): ComponentChildren;
}

interface Props {
  label: string;
  tabs: readonly Tab[];
  open: string;
  onOpen(key: string): void;
}

export function Tabs({ label, tabs, open, onOpen }: Props) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex((tab) => tab.key === open),
  );
  const move = (event: KeyboardEvent) => {
    const ahead = language.value.direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = ahead === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
    const to = { [ahead]: at + 1, [back]: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (to + tabs.length) % tabs.length;
    onOpen((tabs[next] as Tab).key);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={list} tabIndex={-1} onKeyDown={move}>
        {tabs.map((tab, i) => (
          <button
            key={tab.key}
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={i === at}
            aria-controls={`${id}-panel`}
            tabIndex={i === at ? 0 : -1}
            onClick={() => onOpen(tab.key)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tabs[at]?.key}`} tabIndex={0}>
        {tabs[at]?.panel()}
      </div>
    </div>
  );
}
