/** A passage that the network has never read, symbol by symbol: how likely it thought each, and which it got wrong. */
import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/t";
import type { Session } from "../opened/session";
import { directionOf, percent, visible, type Blamed, type Lab } from "./state";

/** Ask where the blame for the symbol at this place goes. */
export async function ask(lab: Lab, session: Session, at: number): Promise<void> {
  lab.asked.value = at;
  if (lab.playing.peek()) await session.tell("pause");
  const found = await session.tell<Blamed>("blame", { text: lab.passage.peek().join(""), at });
  if (found && lab.asked.peek() === at) lab.blamed.value = found;
}

export function Passage({ lab, session }: { lab: Lab; session: Session }) {
  const symbols = lab.passage.value;
  const id = useId();
  const at = useSignal(1);
  const list = useRef<HTMLDivElement>(null);
  const right = lab.right.value;
  const alphabet = lab.alphabet.value;
  const wrong = (i: number) => alphabet[lab.best.value[i - 1] ?? -1] !== symbols[i];
  const text = symbols.join("");
  const direction = directionOf(text);
  const own = useSignal("");
  useLayoutEffect(() => {
    if (at.peek() >= symbols.length) at.value = 1;
  }, [symbols]);
  /** The symbol that was given the least, of those with something before them to blame. */
  const enough = Math.min(8, symbols.length - 1);
  const worst = right.reduce((least, p, i) => (i + 1 > enough && p < (right[least - 1] ?? 1) ? i + 1 : least), enough);
  const move = (event: KeyboardEvent) => {
    const ahead = direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = direction === "rtl" ? "ArrowRight" : "ArrowLeft";
    const to = { [ahead]: at.value + 1, [back]: at.value - 1, Home: 1, End: symbols.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") void ask(lab, session, at.value);
    else if (to !== undefined) at.value = Math.max(1, Math.min(symbols.length - 1, to));
    else return;
    event.preventDefault();
  };
  const told = (i: number) =>
    t("“{symbol}”: it got {p}. Its first guess was “{best}”, with {q}.", {
      symbol: visible(symbols[i] as string),
      p: percent(right[i - 1] ?? 0),
      best: visible(alphabet[lab.best.value[i - 1] ?? 0] ?? ""),
      q: percent(lab.bestShare.value[i - 1] ?? 0),
    });
  if (!symbols.length) return null;
  const count = right.filter((_, i) => !wrong(i + 1)).length;
  return (
    <section class="card" aria-labelledby={`${id}-head`}>
      <h2 id={`${id}-head`}>{t("A text that it has never read")}</h2>
      <p>
        {t(
          "Each symbol is shaded by how little the network expected it, and underlined where its first guess was another one. It guesses {right} of {all} right. Choose a symbol to see where the blame goes.",
          {
            right: count,
            all: right.length,
          },
        )}
      </p>
      <div
        class="passage"
        dir={direction}
        role="listbox"
        aria-label={t("The symbols of the text")}
        aria-activedescendant={`${id}-${at.value}`}
        tabIndex={0}
        ref={list}
        onKeyDown={move}
        data-testid="passage"
      >
        {symbols.map((symbol, i) =>
          i === 0 ? (
            <span key={0} class="given">
              {symbol}
            </span>
          ) : (
            // The keys of the list are the list's own: it has the focus.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events
            <span
              key={i}
              id={`${id}-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={lab.asked.value === i}
              aria-label={told(i)}
              title={told(i)}
              class={`${wrong(i) ? "wrong" : ""} ${at.value === i ? "at" : ""}`}
              style={{
                backgroundColor: `color-mix(in srgb, var(--minus) ${Math.round(38 * (1 - (right[i - 1] ?? 1)))}%, transparent)`,
              }}
              onClick={() => {
                at.value = i;
                void ask(lab, session, i);
              }}
            >
              {symbol === "\n" ? "↵\n" : symbol}
            </span>
          ),
        )}
      </div>
      <div class="row">
        <button
          class="main"
          onClick={() => {
            at.value = worst;
            void ask(lab, session, worst);
          }}
          data-testid="worst"
        >
          {t("Open the worst mistake")}
        </button>
        <div class="field grow">
          <label class="soft" for={`${id}-own`}>
            {t("Or look at a sentence of yours")}
          </label>
          <input
            id={`${id}-own`}
            dir="auto"
            maxLength={400}
            value={own.value}
            spellcheck={false}
            onChange={(event) => {
              own.value = event.currentTarget.value;
              void session.tell("passage", { text: own.value });
            }}
          />
        </div>
      </div>
    </section>
  );
}
