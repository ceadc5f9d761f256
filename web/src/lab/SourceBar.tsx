/** Where one says what is to be looked at: an expression, a network, an example, a file; and takes it home. */

import type { JSX } from "preact";
import { spell } from "../graph/spell";
import { t } from "../i18n/t";
import { Choice } from "../ui/Choice";
import { Help } from "../walk/Help";
import { examples, type Example } from "./examples";
import { ExpressionLine } from "./ExpressionLine";
import { NetworkBox } from "./NetworkBox";
import { OpenFile } from "./OpenFile";
import { SaveMenu } from "./SaveMenu";
import type { Lab } from "./state";

export function SourceBar({ lab }: { lab: Lab }): JSX.Element {
  const kind = lab.kind.value;
  return (
    <div class="source">
      <div class="row bar">
        <div class="kinds" role="group" aria-label={t("What to look at")}>
          <button
            aria-pressed={kind === "expression"}
            onClick={() => lab.choose({ kind: "expression", expression: lab.expression.peek() }, {})}
          >
            {t("Expression")}
          </button>
          <button
            aria-pressed={kind === "network"}
            onClick={() => lab.choose({ kind: "network", code: lab.code.peek() }, {})}
          >
            {t("Network")}
          </button>
        </div>
        <Examples lab={lab} />
        <OpenFile lab={lab} />
        <SaveMenu lab={lab} />
        <Help
          more={[
            [["H"], t("hide the number of the step, to predict it first")],
            [["G"], t("check the gradient by a finite difference")],
          ]}
        />
      </div>
      {kind === "expression" ? (
        <ExpressionLine lab={lab} />
      ) : kind === "network" ? (
        <NetworkBox lab={lab} />
      ) : (
        <Foreign lab={lab} />
      )}
    </div>
  );
}

function Examples({ lab }: { lab: Lab }): JSX.Element {
  const all = examples();
  const same = (one: Example) =>
    one.source.kind === "expression"
      ? lab.kind.value === "expression" && one.source.expression === lab.expression.value
      : false;
  const at = all.findIndex(same);
  return (
    <div class="examples">
      <Choice
        label={t("Examples")}
        value={String(at)}
        options={[
          ...(at < 0 ? [{ value: "-1", label: t("choose one …") }] : []),
          ...all.map((one, i) => ({ value: String(i), label: one.title })),
        ]}
        onChange={(value) => {
          const chosen = all[Number(value)];
          if (chosen) lab.choose(chosen.source, chosen.values);
        }}
      />
    </div>
  );
}

/** What came from elsewhere, with the way back. */
function Foreign({ lab }: { lab: Lab }): JSX.Element {
  return (
    <p class="row foreign">
      <strong>
        <bdi>{spell(lab.title.value)}</bdi>
      </strong>
      <span class="soft">{t("Shown as it was recorded; nothing is computed again.")}</span>
      {lab.back.value ? <a href={lab.back.value}>{t("Back to where it came from")}</a> : null}
      <button onClick={() => lab.choose({ kind: "expression", expression: lab.expression.peek() }, {})}>
        {t("Back to the expression")}
      </button>
    </p>
  );
}
