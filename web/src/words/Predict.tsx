/** Type a beginning: the next symbol's probabilities, from the engine, and what the network would write on. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { number, say, t } from "../i18n/t";
import type { Session } from "../opened/session";
import { Slider } from "../ui/Slider";
import { directionOf, percent, visible, type Lab, type Predicted } from "./state";

export function Predict({ lab, session }: { lab: Lab; session: Session }) {
  const typed = useSignal<string | null>(null);
  const written = useSignal("");
  const warmth = useSignal(0.6);
  const draw = useRef(0);
  const predicted = lab.predicted.value;
  const text = typed.value ?? predicted?.prompt ?? "";
  const ask = async (prompt: string) => {
    typed.value = prompt;
    written.value = "";
    const found = await session.tell<Predicted>("prompt", { text: prompt });
    if (found && typed.peek() === prompt) lab.predicted.value = found;
  };
  const writeOn = async () => {
    draw.current += 1;
    const asked = { text, count: 120, temperature: warmth.value, seed: draw.current };
    const found = await session.tell<{ text: string }>("sample", asked);
    if (!found) return;
    written.value = found.text;
    announce(t("It writes: {text}", { text: found.text }));
  };
  return (
    <section class="card predict" aria-labelledby="words-next">
      <h2 id="words-next">{t("What comes next?")}</h2>
      <div class="field">
        <label for="words-prompt" class="soft">
          {t("Type a beginning")}
        </label>
        <input
          id="words-prompt"
          dir="auto"
          maxLength={400}
          value={text}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => void ask(event.currentTarget.value)}
        />
      </div>
      {predicted?.skipped && <p class="soft">{say(predicted.skipped)}</p>}
      <Likely predicted={predicted} choose={(symbol) => void ask(text + symbol)} />
      <div class="row">
        <button onClick={() => void writeOn()} data-testid="write">
          {t("Let it write on")}
        </button>
        <div class="grow">
          <Slider
            label={t("Daring (0: always the likeliest)")}
            value={warmth.value}
            min={0}
            max={1.5}
            step={0.1}
            shown={number(warmth.value, 2)}
            onInput={(value) => (warmth.value = value)}
          />
        </div>
      </div>
      {written.value && (
        <p class="written" dir={directionOf(text + written.value)} data-testid="written">
          <span class="soft">{text}</span>
          {written.value}
        </p>
      )}
    </section>
  );
}

function Likely({ predicted, choose }: { predicted: Predicted | null; choose(symbol: string): void }) {
  if (!predicted?.likely.length) return <p class="soft">{t("Type something: there is nothing yet to go on from.")}</p>;
  return (
    <>
      <ol class="likely" aria-label={t("The likeliest next symbols")} data-testid="likely">
        {predicted.likely.map(({ symbol, p }) => (
          <li key={symbol}>
            <button class="quiet" onClick={() => choose(symbol)} title={t("Write it")}>
              <bdi class="symbol">{visible(symbol)}</bdi>
              <span class="track" aria-hidden="true">
                <span style={{ inlineSize: `${100 * p}%` }} />
              </span>
              <bdi dir="ltr" class="share">
                {percent(p)}
              </bdi>
            </button>
          </li>
        ))}
      </ol>
      <p class="soft">{t("All other symbols together: {p}.", { p: percent(predicted.rest) })}</p>
    </>
  );
}
