/** A gradient checked in front of the reader: the result is computed again a little to either side. */

import type { JSX } from "preact";
import { number, t, type Message } from "../i18n/t";
import { AboutGradient } from "./AboutGradient";
import { told } from "./phrase";
import type { Walk } from "./walk";

interface Answer {
  analytic: number | string;
  numeric: number | string;
  h: number;
  difference: number | string;
  agrees: boolean;
  message: Message | string;
}

export const Check = ({ walk, node }: { walk: Walk; node: number }): JSX.Element => (
  <AboutGradient<Answer>
    walk={walk}
    node={node}
    question="check"
    without={t("Its gradient is not computed, so there is nothing to check.")}
    shown={(answer) => (
      <div data-testid="check">
        <table>
          <tbody>
            <Row name={t("by the chain rule")} value={answer.analytic} />
            <Row name={t("by a finite difference")} value={answer.numeric} />
            <Row name={t("difference")} value={answer.difference} />
            <Row name={t("step h")} value={answer.h} />
          </tbody>
        </table>
        <p role="status" class={answer.agrees ? "agrees" : "differs"}>
          <strong aria-hidden="true">{answer.agrees ? "✓" : "✗"}</strong> {told(answer.message)}
        </p>
      </div>
    )}
  />
);

function Row({ name, value }: { name: string; value: number | string }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="n">
        <bdi dir="ltr">{number(value, 9)}</bdi>
      </td>
    </tr>
  );
}
