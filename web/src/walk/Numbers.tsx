/** An array of a trace, in full where it is small, else by its figures. */

import type { JSX } from "preact";
import type { ArrayData, Nested, Num } from "../graph/content";
import { shapeText, tone, whole } from "../graph/numbers";
import { number, t } from "../i18n/t";

const glyph = (value: unknown): string => (tone(value) === "plus" ? "▲ " : tone(value) === "minus" ? "▼ " : "");

/** `signed`: a gradient, whose sign is told by glyph and colour too. */
export function Numbers({ data, signed = false }: { data: ArrayData; signed?: boolean }): JSX.Element {
  if ("summary" in data) return <Figures data={data} />;
  const { shape, data: values } = data;
  if (!Array.isArray(values)) {
    return (
      <p class={`big ${signed ? tone(values) : ""}`}>
        <bdi dir="ltr">
          {signed ? glyph(values) : ""}
          {whole(values)}
        </bdi>
      </p>
    );
  }
  if (shape.length > 2 || shape.includes(0)) {
    return (
      <pre dir="ltr">
        <code>{JSON.stringify(values).replaceAll('"', "").replaceAll(",", ", ")}</code>
      </pre>
    );
  }
  const rows = (shape.length === 1 ? [values] : values) as Num[][];
  return (
    <div class="wide" dir="ltr">
      <table>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {(Array.isArray(row) ? row : [row]).map((x: Nested, j) => (
                <td key={j} class={`n ${signed ? tone(x) : ""}`}>
                  {signed ? glyph(x) : ""}
                  {whole(x as Num)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Figures({ data }: { data: Extract<ArrayData, { summary: unknown }> }): JSX.Element {
  const names: Record<string, string> = {
    min: t("smallest"),
    max: t("largest"),
    mean: t("mean"),
    std: t("standard deviation"),
    norm: t("norm"),
    zeros: t("exactly zero"),
    not_finite: t("not finite"),
  };
  const rows = Object.entries(data.summary).filter(([, value]) => value !== null);
  return (
    <dl>
      <dt>{t("shape")}</dt>
      <dd>
        <bdi dir="ltr">{shapeText(data.shape)}</bdi>
      </dd>
      {rows.map(([key, value]) => (
        <Row
          key={key}
          name={names[key] ?? key}
          value={key === "zeros" && typeof value === "number" ? `${number(100 * value, 3)}%` : whole(value)}
        />
      ))}
      {data.entries.map(({ at, value }) => (
        <Row key={at.join()} name={`[${at.join(", ")}]`} value={whole(value)} />
      ))}
    </dl>
  );
}

function Row({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <>
      <dt>
        <bdi>{name}</bdi>
      </dt>
      <dd>
        <bdi dir="ltr">{value}</bdi>
      </dd>
    </>
  );
}
