/** One gradient, opened: what each point of the batch adds, the paths it came by, how it was checked. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { number, say, t } from "../i18n/t";
import { openInLab } from "../lab/incoming";
import { num, type Playground } from "./model";
import type { Numeric, Opened } from "./types";

const Signed = ({ value, digits = 3 }: { value: Numeric; digits?: number }) => {
  const x = num(value);
  return (
    <span class={`ltr ${x < 0 ? "minus" : "plus"}`}>
      {x < 0 ? "▼" : x > 0 ? "▲" : ""} {number(x, digits)}
    </span>
  );
};

export function OpenedGradient({ ground }: { ground: Playground }) {
  const found = ground.opened.value;
  const head = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    // Who has gone on while the engine computed is left there.
    const at = document.activeElement;
    if (at === ground.asker() || at === document.body) head.current?.focus({ preventScroll: false });
  }, [found]);
  if (!found) return null;
  const name = typeof found.name === "string" ? found.name : say(found.name);
  const close = () => {
    const part = ground.chosen.peek();
    if (part) {
      const place = `[data-testid="net-${part.side}"] [data-part="${part.layer}.${part.unit}.${typeof part.from === "number" ? part.from : ""}"]`;
      document.querySelector<HTMLElement>(place)?.focus();
    }
    ground.opened.value = null;
  };
  const most = Math.max(...found.samples.map((row) => Math.abs(num(row.part))), 1e-300);
  return (
    <section
      class="pg-opened card"
      aria-label={t("The gradient, opened")}
      data-testid="opened"
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <div class="row pg-flow-head">
        <h2 ref={head} tabIndex={-1}>
          {found.kind === "unit"
            ? t("Gradient of the loss by what {name} gives", { name })
            : t("Gradient of the loss by {name}", { name })}
        </h2>
        <button onClick={close}>{t("Close")}</button>
      </div>
      <p class="pg-big">
        <Signed value={found.gradient} digits={5} />
      </p>
      <p>{say(found.sentence)}</p>
      <dl class="pg-facts">
        <div>
          <dt>{found.kind === "unit" ? t("What it gives there") : t("Its value")}</dt>
          <dd class="ltr">{number(num(found.value), 5)}</dd>
        </div>
        <div>
          <dt>{t("Loss of this batch")}</dt>
          <dd class="ltr">{number(num(found.loss), 5)}</dd>
        </div>
        <div>
          <dt>{t("Step to come")}</dt>
          <dd class="ltr">{number(found.step + 1, 9)}</dd>
        </div>
        {Object.entries(found.memory).map(([slot, value]) => (
          <div key={slot}>
            <dt>{t("{slot} of the optimiser", { slot })}</dt>
            <dd class="ltr">{number(num(value), 4)}</dd>
          </div>
        ))}
        {found.check && (
          <div>
            <dt>{t("Measured, by moving it a little")}</dt>
            <dd class="ltr" data-testid="measured">
              {number(num(found.check.numeric), 5)}
            </dd>
          </div>
        )}
      </dl>
      <Samples found={found} most={most} />
      <Ways found={found} />
      <p class="row">
        <button
          class="main"
          data-testid="derivation"
          onClick={() =>
            openInLab({ content: found.content, title: t("{name} at step {step}", { name, step: found.step + 1 }) })
          }
        >
          {t("Walk through its derivation in the lab")}
        </button>
      </p>
    </section>
  );
}

function Samples({ found, most }: { found: Opened; most: number }) {
  const unit = found.kind === "unit";
  return (
    <details open>
      <summary>
        {unit
          ? t("What each point of the batch asks of it")
          : t("{n, plural, one {# point adds} other {# points add}} up to it", { n: found.samples.length })}
      </summary>
      <div class="wide" tabIndex={0} role="group" aria-label={t("Points of the batch")}>
        <table class="pg-samples">
          <thead>
            <tr>
              <th>{t("Point")}</th>
              <th>{t("wanted")}</th>
              <th class="n">{unit ? t("it gives") : t("output")}</th>
              <th class="n">{unit ? t("gradient") : t("adds")}</th>
              <th>
                <span class="unseen">{t("How much")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.samples.map((row, i) => {
              const part = num(row.part);
              return (
                <tr key={i}>
                  <td class="ltr">
                    ({number(row.at[0], 2)}, {number(row.at[1], 2)})
                  </td>
                  <td class="ltr">{number(row.target, 3)}</td>
                  <td class="n ltr">{number(num((unit ? row.value : row.output) ?? 0), 3)}</td>
                  <td class="n">
                    <Signed value={row.part} />
                  </td>
                  <td class="pg-part ltr">
                    <i class={part < 0 ? "less" : "more"} style={{ width: `${(Math.abs(part) / most) * 50}%` }} />
                  </td>
                </tr>
              );
            })}
            {num(found.penalty) !== 0 && (
              <tr>
                <td colSpan={3}>{t("the penalty")}</td>
                <td class="n">
                  <Signed value={found.penalty} />
                </td>
                <td />
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Ways({ found }: { found: Opened }) {
  if (found.paths.length === 0) return null;
  return (
    <details>
      <summary>
        {t("{n, plural, one {One path leads} other {# paths lead}} from the loss to it; the largest", {
          n: found.count,
        })}
      </summary>
      <ol class="pg-paths">
        {found.paths.map((path, i) => (
          <li key={i}>
            <Signed value={path.part} />
            <ul>
              {path.factors.map((factor, k) => (
                <li key={k}>
                  <span class="ltr">
                    {k > 0 ? "× " : ""}
                    {number(num(factor.value), 4)}
                  </span>{" "}
                  <span class="soft">{say(factor.name)}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
      <p>
        {t("All other paths together:")} <Signed value={found.rest} />
      </p>
    </details>
  );
}
