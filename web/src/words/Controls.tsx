/** Learn, pause, one step, from the beginning; which text, how fast, what network. */
import { useSignal } from "@preact/signals";
import { announce } from "../app/announce";
import { number, t } from "../i18n/t";
import type { Session } from "../opened/session";
import { Choice } from "../ui/Choice";
import { Problem } from "../ui/Problem";
import { Seed } from "../ui/Seed";
import { Steps } from "../ui/Slider";
import type { Config, Lab } from "./state";

interface Props {
  lab: Lab;
  session: Session;
  begin(config: Config): void;
}

const RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];

export function Controls({ lab, session, begin }: Props) {
  const playing = lab.playing.value;
  const config = lab.config.value;
  const choose = (more: Partial<Config>) => begin({ ...lab.config.peek(), ...more });
  const toggle = () => {
    announce(playing ? t("Paused.") : t("Learning."));
    void session.tell(playing ? "pause" : "play");
  };
  return (
    <section class="card controls" aria-label={t("Training")}>
      <div class="row">
        <button class="main big" onClick={toggle} disabled={lab.finished.value || lab.broken.value} data-testid="learn">
          {playing ? t("Pause") : lab.step.value ? t("Learn on") : t("Learn")}
        </button>
        <button onClick={() => void session.tell("step", { steps: 1 })}>{t("One step")}</button>
        <button onClick={() => begin(config)}>{t("Start over")}</button>
        <Choice
          label={t("Speed")}
          value={String(lab.speed.value)}
          options={[
            { value: "10", label: t("10 steps a second") },
            { value: "40", label: t("40 steps a second") },
            { value: "200", label: t("200 steps a second") },
            { value: "0", label: t("as fast as it goes") },
          ]}
          onChange={(speed) => void session.tell("set", { speed: Number(speed) })}
        />
        <Choice
          label={t("Text")}
          value={config.text}
          options={[
            { value: "en", label: "The river (English)" },
            { value: "zh", label: "河（中文）" },
            { value: "ja", label: "川（日本語）" },
            { value: "ar", label: "النهر (العربية)" },
            ...(config.text === "own" ? [{ value: "own" as const, label: t("your own text") }] : []),
          ]}
          onChange={(text) => choose({ text })}
        />
        <p class="facts" data-testid="status">
          <b>{t("Step {n}", { n: lab.step.value })}</b>
          {playing && <span class="soft">{t("{n} steps a second", { n: number(lab.rate.value, 3) })}</span>}
          {lab.finished.value && <span>{t("That was the last step: it has learnt all that it can.")}</span>}
        </p>
      </div>
      {lab.broken.value && (
        <Problem
          sentence={t("The loss is no longer a number: the steps were too long.")}
          fix={t("Start over with a smaller learning rate.")}
        />
      )}
      <More lab={lab} session={session} choose={choose} />
    </section>
  );
}

function More({ lab, session, choose }: { lab: Lab; session: Session; choose(more: Partial<Config>): void }) {
  const config = lab.config.value;
  const facts = lab.facts.value;
  const own = useSignal(config.own ?? "");
  const rate = useSignal(config.lr);
  const pick = (name: "context" | "layers" | "heads" | "width", label: string, values: number[]) => (
    <Choice
      label={label}
      value={String(config[name])}
      options={values.map((n) => ({ value: String(n), label: String(n) }))}
      onChange={(n) => choose({ [name]: Number(n) })}
    />
  );
  return (
    <details>
      <summary>{t("The network and the text")}</summary>
      <div class="row">
        {pick("layers", t("Layers"), [1, 2])}
        {pick("heads", t("Heads"), [1, 2, 4])}
        {pick("width", t("Width"), [32, 48, 64])}
        {pick("context", t("Symbols seen at once"), [32, 48, 64])}
        <Seed seed={config.seed} onChange={(seed) => choose({ seed })} />
        <div class="grow">
          <Steps
            label={t("Learning rate")}
            value={rate.value}
            values={RATES}
            onInput={(lr) => {
              rate.value = lr;
              lab.config.value = { ...lab.config.peek(), lr };
              void session.tell("set", { lr });
            }}
          />
        </div>
      </div>
      <p class="soft">
        {t("A change of the network or the text starts over; learning rate and speed take effect at once.")}
      </p>
      {facts && (
        <>
          <p>
            {t(
              "The text has {characters} characters, {symbols} of them different; the network has {parameters} weights.",
              {
                characters: facts.characters,
                symbols: facts.symbols,
                parameters: facts.parameters,
              },
            )}
          </p>
          <blockquote class="excerpt" dir="auto">
            {facts.excerpt} …
          </blockquote>
        </>
      )}
      <div class="field">
        <label class="soft" for="words-own">
          {t("Or paste a text of your own (400 to 50,000 characters): it stays on this computer and with its engine.")}
        </label>
        <textarea
          id="words-own"
          rows={3}
          dir="auto"
          value={own.value}
          onInput={(event) => (own.value = event.currentTarget.value)}
        />
        <div>
          <button onClick={() => choose({ text: "own", own: own.value })}>{t("Learn this text")}</button>
        </div>
      </div>
    </details>
  );
}
