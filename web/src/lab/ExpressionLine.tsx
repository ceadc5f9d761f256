/** One line to type an expression in, coloured as one types. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/t";
import { Failed } from "../ui/Problem";
import type { Lab } from "./state";
import { tokens } from "./tokens";

const PAUSE = 180;

export function ExpressionLine({ lab }: { lab: Lab }): JSX.Element {
  const id = useId();
  const colours = useRef<HTMLDivElement>(null);
  const timer = useRef(0);
  const typed = useSignal(lab.expression.peek());
  // (At once: what is typed before the next frame is kept, and what was typed in a line that is gone is not taken.)
  useLayoutEffect(() => lab.expression.subscribe((text) => (typed.value = text)), []);
  useLayoutEffect(() => () => clearTimeout(timer.current), []);
  const wrong = lab.deriving.error.value;
  function take(text: string, wait: number): void {
    typed.value = text;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => text.trim() && lab.setExpression(text), wait);
  }
  const follow = (element: HTMLInputElement) => {
    if (colours.current) colours.current.scrollLeft = element.scrollLeft;
  };
  return (
    <div class="expression">
      <label for={id}>{t("Expression")}</label>
      <div class="line-box" dir="ltr">
        <div class="colours" ref={colours} aria-hidden="true">
          {tokens(typed.value).map((token, i) => (
            <span key={i} class={`token ${token.kind}`}>
              {token.text}
            </span>
          ))}
        </div>
        <input
          id={id}
          data-testid="expression"
          dir="ltr"
          spellcheck={false}
          autoComplete="off"
          autoCapitalize="off"
          value={typed.value}
          aria-invalid={wrong !== null}
          aria-describedby={wrong ? `${id}-wrong` : undefined}
          onInput={(event) => {
            take(event.currentTarget.value, PAUSE);
            follow(event.currentTarget);
          }}
          onScroll={(event) => follow(event.currentTarget)}
          onKeyDown={(event) => event.key === "Enter" && take(event.currentTarget.value, 0)}
        />
      </div>
      <div id={`${id}-wrong`} class="wrong">
        {wrong ? <Failed error={wrong} /> : null}
      </div>
    </div>
  );
}
