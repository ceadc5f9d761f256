/** The same deep stack twice: ill, and with the remedies that the reader switches on. */
import { useSignal } from "@preact/signals";
import { t } from "../i18n/t";
import { told } from "../walk/phrase";
import { useAnswer } from "./answer";
import { Answered, AsTable } from "./common";
import { request, type Json } from "./data";
import { Ends, headOf, Layers, rowsOf } from "./layers";
import type { Flow } from "./types";

type Remedy = "relu" | "skip" | "norm" | "clip";
const REMEDIES: readonly Remedy[] = ["relu", "skip", "norm", "clip"];

function nameOf(remedy: Remedy): string {
  switch (remedy) {
    case "relu":
      return t("remedy|ReLU");
    case "skip":
      return t("remedy|residual connections");
    case "norm":
      return t("remedy|batch normalisation");
    default:
      return t("remedy|clipping");
  }
}

export default function Remedies() {
  const illness = useSignal<0 | 1>(0);
  const given = useSignal<Record<Remedy, boolean>>({ relu: false, skip: true, norm: false, clip: false });
  const ill = useAnswer<Flow>(request("remedies", illness.value));
  const { norm, ...rest } = given.value;
  const paths: Record<string, Json> = Object.fromEntries(
    Object.entries(rest).map(([one, on]) => [`remedy.${one}`, on]),
  );
  paths["remedy.norm"] = norm ? "batch" : "none";
  const treated = useAnswer<Flow>(request("remedies", illness.value, paths));
  return (
    <>
      <div class="row" role="group" aria-label={t("Illness")}>
        <button aria-pressed={illness.value === 0} onClick={() => (illness.value = 0)}>
          {t("vanishing")}
        </button>
        <button aria-pressed={illness.value === 1} onClick={() => (illness.value = 1)}>
          {t("exploding")}
        </button>
      </div>
      <div class="row" role="group" aria-label={t("Remedies")}>
        {REMEDIES.map((one) => (
          <label key={one} class="tick">
            <input
              type="checkbox"
              checked={given.value[one]}
              onChange={(event) => (given.value = { ...given.value, [one]: event.currentTarget.checked })}
            />
            {nameOf(one)}
          </label>
        ))}
      </div>
      <div class="pair">
        <section aria-label={t("Untreated")}>
          <p class="part-title">{t("Untreated")}</p>
          <Answered answer={ill}>
            {(flow) => (
              <>
                <Layers flow={flow.value} label={t("The gradient at each layer of the untreated stack, as bars.")} />
                <Ends flow={flow.value} />
              </>
            )}
          </Answered>
        </section>
        <section aria-label={t("Treated")}>
          <p class="part-title">{t("Treated")}</p>
          <Answered answer={treated}>
            {(flow) => (
              <>
                <Layers flow={flow.value} label={t("The gradient at each layer of the treated stack, as bars.")} />
                <Ends flow={flow.value} />
                <p class="verdict-line" role="status">
                  {told(flow.value.verdict)}
                </p>
                <AsTable caption={t("The treated stack")} head={headOf()} rows={rowsOf(flow.value)} />
              </>
            )}
          </Answered>
        </section>
      </div>
    </>
  );
}
