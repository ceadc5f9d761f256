/** One prediction, opened: what each symbol, head, part and weight had to do with its loss. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { number, say, t } from "../i18n/t";
import { BarTable } from "../opened/Bars";
import { Opened } from "../opened/Opened";
import type { Session } from "../opened/session";
import type { OpenedAnswer } from "../opened/types";
import { Weights } from "../opened/Weights";
import { Tabs } from "../ui/Tabs";
import { Attention } from "./Attention";
import { Places } from "./Places";
import { percent, visible, type Blamed, type Lab } from "./state";

export function Blame({ lab, session }: { lab: Lab; session: Session }) {
  const tab = useSignal("symbols");
  const found = useSignal<OpenedAnswer | null>(null);
  const about = useSignal("");
  const busy = useSignal(false);
  const here = useRef<HTMLElement>(null);
  const blamed = lab.blamed.value;
  useLayoutEffect(() => {
    found.value = null;
    if (blamed) announce(t("Opened: {message}", { message: say(blamed.message) }));
    if (blamed) here.current?.scrollIntoView({ block: "nearest" });
  }, [blamed]);
  if (!blamed) return null;
  const open = async (what: Record<string, unknown>, name: string) => {
    about.value = name;
    busy.value = true;
    const answer = await session.tell<OpenedAnswer>("open", {
      text: lab.passage.peek().join(""),
      ...what,
      at: blamed.at,
    });
    busy.value = false;
    if (answer) found.value = answer;
  };
  const opening = { blamed, open };
  return (
    <section class="card blame" aria-labelledby="words-blame" ref={here} data-testid="blame">
      <h2 id="words-blame">{t("Where the blame goes")}</h2>
      <p class="verdict">
        {t("After “… {context}” it expected “{best}” ({q}). “{right}” came ({p}).", {
          context: blamed.context.slice(-20).replaceAll("\n", "↵"),
          best: visible(blamed.best.symbol),
          q: percent(blamed.best.p),
          right: visible(blamed.right.symbol),
          p: percent(blamed.right.p),
        })}
      </p>
      <p>{say(blamed.message)}</p>
      <Tabs
        label={t("Where the blame goes")}
        open={tab.value}
        onOpen={(key) => (tab.value = key)}
        tabs={[
          { key: "symbols", label: t("Symbols"), panel: () => <Places {...opening} /> },
          { key: "attention", label: t("Attention"), panel: () => <Attention {...opening} /> },
          {
            key: "heads",
            label: t("Heads and layers"),
            panel: () => <Heads {...opening} heads={lab.config.value.heads} />,
          },
          {
            key: "weights",
            label: t("Weights"),
            panel: () => (
              <Weights
                weights={blamed.weights}
                modules={blamed.modules}
                predicted={blamed.predicted}
                healed={blamed.healed}
                open={(name) => void open({ kind: "weight", name }, name)}
                current={about.value}
              />
            ),
          },
        ]}
      />
      {busy.value && <p role="status">{t("Opening …")}</p>}
      {found.value && (
        <Opened found={found} back="#/words" close={() => (found.value = null)}>
          {found.value.places && <Shares places={found.value.places} context={blamed.context} />}
        </Opened>
      )}
    </section>
  );
}

export interface Opening {
  blamed: Blamed;
  open(what: Record<string, unknown>, name: string): Promise<void>;
}

/** What each head found, and what each part of a layer added. */
function Heads({ blamed, open, heads }: Opening & { heads: number }) {
  const parts = (i: number) =>
    i % 2 === 0
      ? t("layer {n}: what attention adds", { n: Math.floor(i / 2) + 1 })
      : t("layer {n}: what thinking adds", { n: Math.floor(i / 2) + 1 });
  const rows = (taps: Blamed["heads"], name: (i: number) => string, what: (i: number) => Record<string, unknown>) =>
    taps.map((tap, i) => ({
      key: String(i),
      label: name(i),
      value: blamed.loss - tap.closed,
      beside: <bdi dir="ltr">{number(tap.gradient, 3)}</bdi>,
      open: () => void open(what(i), name(i)),
    }));
  return (
    <>
      <Measured />
      <div class="two">
        <BarTable
          caption={t("Heads")}
          name={t("Head")}
          value={t("Effect on the loss, measured")}
          beside={t("Gradient")}
          rows={rows(
            blamed.heads,
            (i) => t("layer {layer}, head {head}", { layer: Math.floor(i / heads) + 1, head: (i % heads) + 1 }),
            (i) => ({ kind: "head", layer: Math.floor(i / heads), head: i % heads }),
          )}
        />
        <BarTable
          caption={t("Parts of the layers")}
          name={t("Part")}
          value={t("Effect on the loss, measured")}
          beside={t("Gradient")}
          rows={rows(blamed.parts, parts, (i) => ({ kind: "part", layer: Math.floor(i / 2), part: i % 2 }))}
        />
      </div>
    </>
  );
}

/** What "measured" and "gradient" mean here. */
export function Measured() {
  return (
    <p class="soft">
      {t(
        "Think of a tap on each of these, open now. Measured: the loss as it is, less the loss with this tap closed; ▲ made the mistake worse, ▼ helped. The gradient says how fast the loss changes as the tap moves; for a small turn both agree.",
      )}
    </p>
  );
}

/** A weight's gradient as a sum over the places at which the weight was used. */
function Shares({ places, context }: { places: { values: number[]; gradient: number }; context: string }) {
  const symbols = Array.from(context);
  return (
    <details>
      <summary>{t("This gradient as an exact sum over the symbols at which the weight was used")}</summary>
      <BarTable
        caption={t("What each symbol adds to this gradient")}
        name={t("Symbol")}
        value={t("Adds")}
        rows={places.values.map((value, i) => ({
          key: String(i),
          label: (
            <>
              {i + 1}. <bdi class="symbol">{visible(symbols[i] ?? "")}</bdi>
            </>
          ),
          value,
        }))}
      />
    </details>
  );
}
