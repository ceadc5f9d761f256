/** What the car sees now, and how it turns the wheel; beside it, what would be right. */
import { number, t } from "../i18n/t";
import type { Lab } from "./state";

export function Sight({ lab }: { lab: Lab }) {
  const world = lab.world.value;
  const now = lab.trail.value.at(-1);
  return (
    <section class="card sight" aria-labelledby="steering-sight">
      <h2 id="steering-sight">{t("What it sees")}</h2>
      <Rays seen={lab.seen.value} angles={world?.angles ?? []} />
      <Wheel did={now?.did ?? 0} right={now?.right ?? 0} />
    </section>
  );
}

/** The distances as bars, from left to right as the car sees them. */
export function Rays({ seen, angles }: { seen: number[]; angles: number[] }) {
  return (
    <div class="rays ltr" aria-hidden="true">
      {angles.map((angle, i) => (
        <span key={i}>
          <span class="far">
            <span style={{ blockSize: `${100 * (seen[i] ?? 0)}%` }} />
          </span>
          <span class="soft">{`${number(Math.round((180 / Math.PI) * angle))}°`}</span>
        </span>
      ))}
    </div>
  );
}

const at = (wheel: number): string => `${50 + 48 * Math.max(-1, Math.min(1, wheel))}%`;

/** The wheel from left to right: a disc for what the network does, a ring for what would be right. */
export function Wheel({ did, right }: { did: number; right: number }) {
  return (
    <>
      <div
        class="wheel ltr"
        role="img"
        aria-label={t("The wheel is at {did}; {right} would be right. −1 is hard left, 1 hard right.", {
          did: number(did, 2),
          right: number(right, 2),
        })}
      >
        <i class="ring" style={{ left: at(right) }} />
        <i class="disc" style={{ left: at(did) }} />
      </div>
      <p class="wheel-ends soft ltr">
        <span>{t("← left")}</span>
        <span>
          <bdi>● {t("the network")}</bdi> · <bdi>○ {t("the teacher")}</bdi>
        </span>
        <span>{t("right →")}</span>
      </p>
    </>
  );
}
