/** The tabs of the card that show what the trace says. */

import type { JSX } from "preact";
import { arrived } from "../graph/model";
import { t } from "../i18n/t";
import { Numbers } from "./Numbers";
import { phrase } from "./phrase";
import { shownOf, type Walk } from "./walk";

interface Props {
  walk: Walk;
  node: number;
}

const Hidden = (): JSX.Element => <p class="soft">{t("Hidden, to be guessed first.")}</p>;

/** The sentences of what has happened to it so far. */
export function InWords({ walk, node }: Props): JSX.Element {
  const { frameOf, byOperation, nodes, frames } = walk.model.value;
  const last = walk.frame.value.last;
  const name = nodes[node]!.name;
  const hidden = walk.secrets.value;
  const told = frameOf[node]!.filter((i) => i <= last);
  const open = told.filter((i) => !hidden.has(`${frames[i]!.phase === "forward" ? "v" : "g"}:${name}`));
  const few = open.length > 8 ? [open[0]!, ...open.slice(-6)] : open;
  return (
    <>
      {few.map((i, at) => (
        <p key={i}>
          {at === 1 && open.length > 8 ? <span class="soft">{t("{n} more …", { n: open.length - 7 })} </span> : null}
          {phrase(byOperation[i]!)}
        </p>
      ))}
      {told.length > open.length ? <Hidden /> : null}
      {told.length ? null : (
        <p class="soft">{nodes[node]!.kind === "operation" ? t("Not computed yet: step on.") : t("Given.")}</p>
      )}
      {told.length && !nodes[node]!.gradient ? <NoGradient /> : null}
    </>
  );
}

const NoGradient = (): JSX.Element => <p class="soft">{t("Its gradient is not computed (which is not zero).")}</p>;

/** Value and gradient in full; each share of the gradient, where there are several. */
export function NumbersOf({ walk, node }: Props): JSX.Element {
  const model = walk.model.value;
  const found = model.nodes[node]!;
  const shown = shownOf(walk, node);
  const share = arrived(model, node, walk.frame.value.last);
  const sum = share && share.share < share.shares ? model.frames[share.frame]?.sum : undefined;
  return (
    <>
      <h3>{t("Value")}</h3>
      {shown.valueHidden ? (
        <Hidden />
      ) : shown.value === undefined ? (
        <p class="soft">{t("not computed yet")}</p>
      ) : (
        <Numbers data={found.value} />
      )}
      <h3>{t("Gradient")}</h3>
      {!found.gradient ? (
        <NoGradient />
      ) : !share ? (
        <p class="soft">{t("not computed yet")}</p>
      ) : shown.gradientHidden ? (
        <Hidden />
      ) : (
        <Numbers data={sum ?? found.gradient} signed />
      )}
      {share && share.shares > 1 ? (
        <p class="soft">{t("share {n} of {all}", { n: share.share, all: share.shares })}</p>
      ) : null}
      {shown.gradientHidden ? null : <Shares walk={walk} node={node} />}
    </>
  );
}

/** What each use of a value sends back to it: upstream times local. */
function Shares({ walk, node }: Props): JSX.Element | null {
  const { users, edges, edgeAt, nodes } = walk.model.value;
  const last = walk.frame.value.last;
  const back = users[node]!.filter((i) => edgeAt[i]! <= last).sort((a, b) => edgeAt[a]! - edgeAt[b]!);
  if (!back.length) return null;
  return (
    <>
      <h3>{back.length > 1 ? t("The shares that add up to it") : t("How it came about")}</h3>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("from")}</th>
              <th scope="col">{t("upstream")}</th>
              <th scope="col">{t("local")}</th>
              <th scope="col">{t("product")}</th>
            </tr>
          </thead>
          <tbody>
            {back.slice(0, 24).map((i) => {
              const edge = edges[i]!;
              const up = nodes[edge.to]!.gradient;
              return (
                <tr key={i}>
                  <th scope="row">
                    <bdi dir="ltr">{nodes[edge.to]!.name}</bdi>
                  </th>
                  <td class="n">{up ? <Numbers data={up} signed /> : null}</td>
                  <td class="n">
                    {edge.derivative?.value ? (
                      <Numbers data={edge.derivative.value} />
                    ) : (
                      <bdi dir="ltr">{edge.derivative?.text}</bdi>
                    )}
                  </td>
                  <td class="n">{edge.product ? <Numbers data={edge.product} signed /> : null}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Its formula and the local derivatives by it, as MathML of the engine. */
export function Formula({ walk, node }: Props): JSX.Element {
  const { nodes, users, edges, content } = walk.model.value;
  const found = nodes[node]!;
  const steps = users[node]!.filter((i) => edges[i]!.derivative).slice(0, 12);
  return (
    <>
      {found.formula ? (
        <Mathematics math={content.math[`n${node}`]} text={`${found.name} = ${found.formula.text}`} />
      ) : (
        <p class="soft">{t("Given: it has no formula.")}</p>
      )}
      {steps.length ? <h3>{t("What flows back to it is multiplied by")}</h3> : null}
      {steps.map((i) => {
        const derivative = edges[i]!.derivative!;
        return (
          <div key={i}>
            <Mathematics math={content.math[`e${i}`]} text={`${derivative.symbol} = ${derivative.text}`} />
            {derivative.unsimplified !== derivative.text ? (
              <p class="soft">
                {t("as the gradient rule computed it:")} <code>{derivative.unsimplified}</code>
              </p>
            ) : null}
          </div>
        );
      })}
    </>
  );
}

/** MathML that the engine wrote: it has no scripts, no links and nothing of the reader's in it but escaped names. */
function Mathematics({ math, text }: { math: string | undefined; text: string }): JSX.Element {
  if (!math) {
    return (
      <p class="formula">
        <code>{text}</code>
      </p>
    );
  }
  return <div class="formula" dir="ltr" dangerouslySetInnerHTML={{ __html: `<math display="block">${math}</math>` }} />;
}

/** The line of code that made it. */
export function CodeLine({ walk, node }: Props): JSX.Element {
  const { nodes, trace } = walk.model.value;
  const line = nodes[node]!.line;
  if (line?.text) {
    return (
      <>
        <p class="soft">
          <bdi dir="ltr">{`${line.file}:${line.line}`}</bdi>
        </p>
        <pre dir="ltr">
          <code>{line.text}</code>
        </pre>
      </>
    );
  }
  const source = walk.content.value.source ?? trace.source;
  return source ? (
    <>
      <p class="soft">{t("In the expression:")}</p>
      <pre dir="ltr">
        <code>{source}</code>
      </pre>
      {nodes[node]!.formula ? (
        <p>
          {t("the part")} <code>{nodes[node]!.formula!.text}</code>
        </p>
      ) : null}
    </>
  ) : (
    <p class="soft">{t("The trace does not say which line of code made it.")}</p>
  );
}
