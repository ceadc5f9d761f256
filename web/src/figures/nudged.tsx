/** A nudge and what came of it: the change that the gradient predicted beside the one that was measured. */
import { number, t } from "../i18n/t";
import { told } from "../walk/phrase";
import { Num, Signed, tone } from "./common";
import type { Nudged } from "./types";

export function Compared({ nudged, symbol = "L" }: { nudged: Nudged | null; symbol?: string }) {
  if (!nudged)
    return (
      <p class="compared soft">
        {t("Not nudged yet: move it a little, and compare what was predicted with what happens.")}
      </p>
    );
  const { before, after, predicted, measured, message } = nudged;
  const most = Math.max(Math.abs(predicted), Math.abs(measured)) || 1;
  const bar = (name: string, value: number, kind: string) => (
    <div class={`bar ${kind}`}>
      <span>{name}</span>
      <span class={`track ${tone(value)}`}>
        <i style={{ inlineSize: `${(Math.abs(value) / most) * 100}%` }} />
      </span>
      <Signed value={value} />
    </div>
  );
  return (
    <div class="compared">
      <p class="from-to" aria-live="off">
        <bdi dir="ltr">
          <i>{symbol}</i> <Num value={before} /> → <strong data-testid="after">{number(after, 6)}</strong>
        </bdi>
      </p>
      {bar(t("predicted"), predicted, "predicted")}
      {bar(t("measured"), measured, "measured")}
      <p class="soft message">{told(message)}</p>
    </div>
  );
}
