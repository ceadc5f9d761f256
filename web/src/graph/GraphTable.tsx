/** The graph as tables, for who cannot see it or wants to copy: every value, every step back, what was said. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../i18n/t";
import { formula, phrase } from "../walk/phrase";
import { shownOf, type Walk } from "../walk/walk";
import { short } from "./numbers";
import { kindOf } from "./words";

const MOST = 400;

export function GraphTable({ walk }: { walk: Walk }): JSX.Element {
  const open = useSignal(false);
  return (
    <details class="graph-table" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("The same as tables")}</summary>
      {open.value ? (
        <>
          <Values walk={walk} />
          <StepsBack walk={walk} />
          <Said walk={walk} />
        </>
      ) : null}
    </details>
  );
}

function Table(props: {
  title: string;
  heads: string[];
  rows: (JSX.Element | string)[][];
  code?: number[];
}): JSX.Element {
  return (
    // Scrolled by the keyboard too.
    <div class="wide" role="group" aria-label={props.title} tabIndex={0}>
      <table>
        <caption>{props.title}</caption>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.slice(0, MOST).map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) =>
                j ? (
                  <td key={j}>{props.code?.includes(j) ? <bdi dir="ltr">{cell}</bdi> : cell}</td>
                ) : (
                  <th key={j} scope="row">
                    <bdi dir="ltr">{cell}</bdi>
                  </th>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {props.rows.length > MOST ? <p class="soft">{t("and {n} more", { n: props.rows.length - MOST })}</p> : null}
    </div>
  );
}

function Values({ walk }: { walk: Walk }): JSX.Element {
  const { nodes } = walk.model.value;
  const rows = nodes.map((node, i) => {
    const shown = shownOf(walk, i);
    const value = shown.valueHidden ? "?" : shown.value === undefined ? t("not computed yet") : short(node.value);
    let gradient = t("not computed (which is not zero)");
    if (node.gradient) {
      gradient = shown.gradient === undefined ? t("not computed yet") : shown.gradientHidden ? "?" : shown.gradient;
    }
    return [
      formula(node.name),
      kindOf(walk, i),
      node.formula?.text ?? "",
      value,
      gradient,
      node.line ? `${node.line.file}:${node.line.line}` : "",
    ];
  });
  const heads = [t("Name"), t("Operation"), t("Formula"), t("Value"), t("Gradient"), t("Code line")];
  return <Table title={t("All values")} heads={heads} rows={rows} code={[2, 3, 5]} />;
}

function StepsBack({ walk }: { walk: Walk }): JSX.Element {
  const { edges, nodes, edgeAt } = walk.model.value;
  const last = walk.frame.value.last;
  const steps = edges
    .map((edge, i) => ({ edge, at: edgeAt[i]! }))
    .filter(
      ({ edge, at }) => edge.step !== undefined && at <= last && !walk.secrets.value.has(`g:${nodes[edge.from]!.name}`),
    )
    .sort((a, b) => a.at - b.at);
  const rows = steps.map(({ edge }) => [
    formula(edge.derivative?.symbol ?? ""),
    kindOf(walk, edge.to),
    nodes[edge.to]!.gradient ? short(nodes[edge.to]!.gradient!) : "",
    edge.derivative?.text ?? "",
    edge.derivative?.value ? short(edge.derivative.value) : "",
    edge.product ? short(edge.product) : "",
  ]);
  const heads = [t("Derivative"), t("Operation"), t("Upstream"), t("Formula"), t("Local derivative"), t("Flows on")];
  return <Table title={t("Steps back")} heads={heads} rows={rows} code={[2, 3, 4, 5]} />;
}

function Said({ walk }: { walk: Walk }): JSX.Element {
  const stops = walk.stops.value.slice(0, walk.pos.value + 1);
  const secret = walk.secrets.value.size > 0;
  const rows = stops.map((stop, i) => [String(i + 1), secret ? "…" : phrase(stop)]);
  return <Table title={t("The walk so far")} heads={[t("Step"), t("What happens")]} rows={rows} />;
}
