/** Learn, drive, take the wheel, start over; on which track, from which examples, with what network. */
import { useSignal } from "@preact/signals";
import { announce } from "../app/announce";
import { number, say, t, type Message } from "../i18n/t";
import type { Session } from "../opened/session";
import { Choice } from "../ui/Choice";
import { Seed } from "../ui/Seed";
import { Slider, Steps } from "../ui/Slider";
import type { Config, Lab } from "./state";

interface Props {
  lab: Lab;
  session: Session;
  begin(config: Config): void;
}

const RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

export function Controls({ lab, session, begin }: Props) {
  const note = useSignal<Message | null>(null);
  const shows = useSignal(true);
  const { playing, learning, driving } = lab;
  const learn = async () => {
    const told = await session.tell<{ note: Message | null }>(learning.value ? "stop" : "learn");
    note.value = told?.note ?? null;
    announce(told?.note ? say(told.note) : learning.peek() ? t("It stops learning.") : t("It learns."));
  };
  const take = () => {
    void session.tell(driving.value ? "release" : "drive");
    document.querySelector<HTMLElement>("[data-testid=road]")?.focus();
  };
  const put = async (track: string) => {
    const done = await session.tell("track", { track, examples: shows.value });
    if (!done) return;
    const config = { ...lab.config.peek(), track };
    delete config.points;
    lab.config.value = config;
    lab.blamed.value = null;
  };
  return (
    <section class="card" aria-label={t("Training")}>
      <div class="row">
        <button class="main big" onClick={() => void learn()} disabled={lab.finished.value} data-testid="learn">
          {learning.value ? t("Stop learning") : lab.step.value ? t("Learn on") : t("Learn")}
        </button>
        <button onClick={() => void session.tell(playing.value ? "pause" : "play")} data-testid="play">
          {playing.value ? t("Pause") : t("verb|Drive")}
        </button>
        <button onClick={take} aria-pressed={driving.value}>
          {driving.value ? t("Give the wheel back") : t("Take the wheel")}
        </button>
        <button onClick={() => begin(lab.config.peek())}>{t("Start over")}</button>
      </div>
      <p class="facts" data-testid="status">
        <b>{t("Step {n}", { n: lab.step.value })}</b>
        {playing.value && <span class="soft">{t("{n} moments a second", { n: number(lab.rate.value, 2) })}</span>}
      </p>
      {note.value && <p role="status">{say(note.value)}</p>}
      <div class="row">
        <Choice
          label={t("Track")}
          value={lab.config.value.track}
          options={[
            { value: "pond", label: t("track|Pond") },
            { value: "bean", label: t("track|Bean") },
            { value: "mountain", label: t("track|Mountain road") },
            { value: "eight", label: t("track|Figure of eight") },
            ...(lab.config.value.track === "own" ? [{ value: "own", label: t("track|Your own") }] : []),
          ]}
          onChange={(track) => void put(track)}
        />
        <label class="tick">
          <input
            type="checkbox"
            checked={shows.value}
            onChange={(event) => (shows.value = event.currentTarget.checked)}
          />
          {t("The teacher shows a new track too")}
        </label>
      </div>
      <More lab={lab} session={session} begin={begin} />
    </section>
  );
}

function More({ lab, session, begin }: Props) {
  const config = lab.config.value;
  const choose = (more: Partial<Config>) => begin({ ...lab.config.peek(), ...more });
  const rate = useSignal(config.lr);
  const spread = useSignal(config.spread);
  return (
    <details>
      <summary>{t("The examples and the network")}</summary>
      <div class="row">
        <Choice
          label={t("It learns from")}
          value={lab.source.value}
          options={[
            { value: "teacher", label: t("the teacher’s examples") },
            { value: "mine", label: t("my own driving") },
            { value: "both", label: t("both") },
          ]}
          onChange={(source) => void session.tell("set", { source })}
        />
        <Choice
          label={t("Steps in a moment")}
          value={String(lab.pace.value)}
          options={[1, 4, 16].map((n) => ({ value: String(n), label: String(n) }))}
          onChange={(pace) => void session.tell("set", { pace: Number(pace) })}
        />
        <Choice
          label={t("Hidden layers")}
          value={String(config.layers)}
          options={[0, 1, 2].map((n) => ({ value: String(n), label: String(n) }))}
          onChange={(layers) => choose({ layers: Number(layers) })}
        />
        <Choice
          label={t("Units in a layer")}
          value={String(config.units)}
          options={[4, 8, 12, 24].map((n) => ({ value: String(n), label: String(n) }))}
          onChange={(units) => choose({ units: Number(units) })}
        />
        <Seed seed={config.seed} onChange={(seed) => choose({ seed })} />
      </div>
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
      <Slider
        label={t("How far off the middle the teacher’s examples begin")}
        value={spread.value}
        min={0}
        max={1}
        step={0.1}
        shown={`${number(100 * spread.value, 3)}%`}
        onInput={(value) => (spread.value = value)}
      />
      <button onClick={() => choose({ spread: spread.value })}>{t("Start over with these examples")}</button>
      <p class="soft">
        {t("A teacher that never leaves the middle (0%) cannot show how to come back to it.")}{" "}
        {t(
          "Of your own driving there {n, plural, =0 {are no examples} one {is # example} other {are # examples}}; the network has {weights} weights.",
          {
            n: lab.mine.value,
            weights: lab.weights.value,
          },
        )}
      </p>
    </details>
  );
}
