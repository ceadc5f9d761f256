/** The steering lab: a small car learns to steer from what it sees, and says where its mistakes come from. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { note } from "../app/router";
import { motion } from "../app/settings";
import { online } from "../engine/engine";
import { encode } from "../engine/link";
import { t } from "../i18n/t";
import { useSession } from "../opened/session";
import { News } from "../ui/News";
import { Failed, Problem } from "../ui/Problem";
import { Controls } from "./Controls";
import { Curves } from "./Curves";
import { Mistake } from "./Mistake";
import { Sight } from "./Sight";
import { Stage } from "./Stage";
import { createLab, first, take, type Config } from "./state";
import "./steering.css";

export default function Page() {
  const lab = useMemo(() => createLab(first()), []);
  const given = useSignal<object>({ ...lab.config.peek(), playing: motion.peek() });
  const session = useSession("steering", given, (frame) => take(lab, frame));
  /** Begin anew, with another configuration or the same. */
  const begin = (config: Config) => {
    lab.config.value = config;
    lab.blamed.value = null;
    given.value = { ...config, playing: motion.peek() };
    note(`#/steering?s=${encode(config)}`);
  };
  if (online.value === "recorded") {
    return (
      <div class="steering">
        <h1>{t("Steering: a car learns to drive")}</h1>
        <Problem
          sentence={t("This lab trains a network while you watch, which needs the engine.")}
          fix={t("Run “upriver learn” on your own computer.")}
        />
      </div>
    );
  }
  return (
    <div class="steering">
      <header>
        <h1>{t("Steering: a car learns to drive")}</h1>
        <p class="lead">
          {t(
            "The car sees nine distances to the edge of the road, and a small network turns the wheel. It has learnt nothing yet, so it leaves the road. Press “Learn” and watch; then choose a mistake and see which ray and which weights it comes from.",
          )}
        </p>
      </header>
      <div class="drive">
        <Stage lab={lab} session={session} />
        <div class="side">
          <Controls lab={lab} session={session} begin={begin} />
          <Sight lab={lab} />
        </div>
      </div>
      <News of={session.news.value} />
      {session.error.value && <Failed error={session.error.value} />}
      <Mistake lab={lab} session={session} />
      <Curves lab={lab} />
    </div>
  );
}
