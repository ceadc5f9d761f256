/** The symbols before, each with what it did to the loss: measured by hiding it, and as the gradient has it. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number, t } from "../i18n/t";
import { Signed, tone } from "../opened/Bars";
import { Measured, type Opening } from "./Blame";
import { directionOf, visible } from "./state";

export function Places({ blamed, open }: Opening) {
  const shown = useSignal<"measured" | "gradient">("measured");
  const symbols = Array.from(blamed.context);
  const values = blamed.symbols.map((tap) => (shown.value === "measured" ? blamed.loss - tap.closed : tap.gradient));
  const last = useRef<HTMLSpanElement>(null);
  // What counts most is near the end: on a narrow screen it is scrolled to.
  useEffect(() => {
    const row = last.current?.parentElement;
    if (row) row.scrollLeft = (directionOf(blamed.context) === "rtl" ? -1 : 1) * row.scrollWidth;
  }, [blamed]);
  const largest = Math.max(...values.map(Math.abs), 1e-9);
  return (
    <>
      <Measured />
      <div class="row" role="group" aria-label={t("What the bars show")}>
        <button aria-pressed={shown.value === "measured"} onClick={() => (shown.value = "measured")}>
          {t("measured by hiding the symbol")}
        </button>
        <button aria-pressed={shown.value === "gradient"} onClick={() => (shown.value = "gradient")}>
          {t("predicted by the gradient")}
        </button>
      </div>
      <div
        class="places"
        dir={directionOf(blamed.context)}
        role="group"
        aria-label={t("The symbols before, and what each did to the loss")}
        data-testid="places"
      >
        {symbols.map((symbol, i) => {
          const value = values[i] as number;
          return (
            <button
              key={i}
              class="place quiet"
              onClick={() => void open({ kind: "symbol", place: i }, symbol)}
              title={t("Open its gradient")}
              aria-label={t("“{symbol}”, number {n}: {value}. Open its gradient.", {
                symbol: visible(symbol),
                n: i + 1,
                value: number(value, 3),
              })}
            >
              <span class="column" aria-hidden="true">
                <span class={tone(value)} style={{ blockSize: `${(50 * Math.abs(value)) / largest}%` }} />
              </span>
              <bdi class="symbol">{visible(symbol)}</bdi>
            </button>
          );
        })}
        <span class="place right" aria-hidden="true" ref={last}>
          <span class="column" />
          <bdi class="symbol">{visible(blamed.right.symbol)}</bdi>
        </span>
      </div>
      <p class="soft">
        {t("The tallest bar is {value}.", { value: number(largest, 3) })}{" "}
        {t("▲ up: because of it the loss is higher. ▼ down: because of it the loss is lower.")}
      </p>
      <details>
        <summary>{t("The same as a table")}</summary>
        <div class="wide" role="region" aria-label={t("The symbols before")} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("Symbol")}</th>
                <th scope="col" class="n">
                  {t("Loss if it were hidden")}
                </th>
                <th scope="col" class="n">
                  {t("Effect, measured")}
                </th>
                <th scope="col" class="n">
                  {t("Gradient of its tap")}
                </th>
              </tr>
            </thead>
            <tbody>
              {blamed.symbols.map((tap, i) => (
                <tr key={i}>
                  <th scope="row">
                    {i + 1}. <bdi>{visible(symbols[i] ?? "")}</bdi>
                  </th>
                  <td class="n">
                    <bdi dir="ltr">{number(tap.closed, 4)}</bdi>
                  </td>
                  <td class="n">
                    <Signed value={blamed.loss - tap.closed} />
                  </td>
                  <td class="n">
                    <Signed value={tap.gradient} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
