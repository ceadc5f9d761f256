/** One moment of a drive, opened: what it saw, what it did, what was right, and where the blame goes. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { number, say, t } from "../i18n/t";
import { BarTable } from "../opened/Bars";
import { Opened } from "../opened/Opened";
import type { Session } from "../opened/session";
import type { OpenedAnswer } from "../opened/types";
import { Weights } from "../opened/Weights";
import { Slider } from "../ui/Slider";
import { Tabs } from "../ui/Tabs";
import { Rays, Wheel } from "./Sight";
import type { Blamed, Lab, Ray } from "./state";

/** Ask about a moment, by its number or as the worst there was; the car stands meanwhile. */
export async function ask(lab: Lab, session: Session, which: object): Promise<void> {
  if (lab.playing.peek()) await session.tell("pause");
  const found = await session.tell<Blamed>("blame", which);
  if (found) lab.blamed.value = found;
}

const nameOf = (angle: number): string => {
  const degrees = Math.round(Math.abs(angle));
  if (!degrees) return t("straight ahead");
  return angle < 0 ? t("{n}° to the left", { n: degrees }) : t("{n}° to the right", { n: degrees });
};

export function Mistake({ lab, session }: { lab: Lab; session: Session }) {
  const blamed = lab.blamed.value;
  const found = useSignal<OpenedAnswer | null>(null);
  const about = useSignal("");
  const busy = useSignal(false);
  const tab = useSignal("rays");
  const here = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    found.value = null;
    if (blamed) announce(say(blamed.message));
  }, [blamed]);
  const open = async (what: object, name: string) => {
    if (!blamed) return;
    about.value = name;
    busy.value = true;
    const answer = await session.tell<OpenedAnswer>("open", { run: blamed.run, moment: blamed.moment, ...what });
    busy.value = false;
    if (answer) found.value = answer;
  };
  const moments = blamed && blamed.run !== lab.run.value ? lab.past.value : lab.trail.value;
  return (
    <section class="card mistake" aria-labelledby="steering-mistake">
      <h2 id="steering-mistake">{t("Open a mistake")}</h2>
      <div class="row">
        <button
          class="main"
          onClick={async () => {
            await ask(lab, session, { worst: true });
            here.current?.scrollIntoView({ block: "nearest" });
          }}
          disabled={!lab.trail.value.length && !lab.past.value.length}
          data-testid="worst"
        >
          {t("Open the worst mistake")}
        </button>
        <div class="grow">
          <Slider
            label={t("or a moment of the run")}
            value={blamed ? Math.min(blamed.moment, moments.length - 1) : 0}
            min={0}
            max={Math.max(0, moments.length - 1)}
            step={1}
            disabled={!moments.length}
            shown={blamed ? String(blamed.moment + 1) : "–"}
            onInput={(moment) => void ask(lab, session, { run: blamed?.run ?? lab.run.peek(), moment })}
          />
        </div>
      </div>
      {!blamed && <p class="soft">{t("Click a place on the trail, or press the button.")}</p>}
      {blamed && (
        <div ref={here} data-testid="blame">
          <p class="verdict">{say(blamed.message)}</p>
          <div class="two">
            <div>
              <h3>{t("What it saw")}</h3>
              <Rays seen={blamed.seen} angles={blamed.rays.map((ray) => (ray.angle * Math.PI) / 180)} />
            </div>
            <div>
              <h3>{t("What it did, and what was right")}</h3>
              <Wheel did={blamed.does} right={blamed.right} />
              {Math.abs(blamed.did - blamed.does) > 0.005 && (
                <p class="soft">
                  {t("In that moment it turned to {did}; it has learnt since.", { did: number(blamed.did, 2) })}
                </p>
              )}
            </div>
          </div>
          <Tabs
            label={t("Where the blame goes")}
            open={tab.value}
            onOpen={(key) => (tab.value = key)}
            tabs={[
              {
                key: "rays",
                label: t("Rays"),
                panel: () => (
                  <RayTable rays={blamed.rays} open={(ray) => void open({ kind: "ray", ray }, `seen ${ray}`)} />
                ),
              },
              {
                key: "weights",
                label: t("Weights"),
                panel: () => (
                  <Weights
                    weights={blamed.weights}
                    modules={[...blamed.modules, ...blamed.units]}
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
          {found.value && <Opened found={found} back="#/steering" close={() => (found.value = null)} />}
        </div>
      )}
    </section>
  );
}

/** The gradient of the error by each ray; and a nudge of each, predicted and measured. */
function RayTable({ rays, open }: { rays: Ray[]; open(ray: number): void }) {
  return (
    <>
      <p class="soft">
        {t(
          "The gradient says how the error would change if a ray saw farther: ▲ it would grow, ▼ it would shrink. To check it, each ray was really made {by} longer (or shorter, at the end of its reach).",
          {
            by: number(Math.abs(rays[0]?.by ?? 0), 2),
          },
        )}
      </p>
      <BarTable
        caption={t("The rays by the gradient of the error")}
        name={t("Ray")}
        value={t("Gradient")}
        beside={t("Predicted → measured change")}
        rows={rays.map((ray, i) => ({
          key: String(i),
          label: nameOf(ray.angle),
          value: ray.gradient,
          beside: (
            <bdi dir="ltr">
              {number(ray.predicted, 2)} → {number(ray.after - ray.before, 2)}
            </bdi>
          ),
          open: () => open(i),
        }))}
      />
    </>
  );
}
