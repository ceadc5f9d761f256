/** What the network wrote by itself at some moments of its learning. */
import { t } from "../i18n/t";
import { directionOf, type Lab } from "./state";

export function Samples({ lab }: { lab: Lab }) {
  const samples = lab.samples.value;
  if (!samples.length) return null;
  return (
    <section class="card" aria-labelledby="words-samples">
      <h2 id="words-samples">{t("What it writes as it learns")}</h2>
      <ol class="samples" data-testid="samples">
        {[...samples].reverse().map(({ step, begin, text }) => (
          <li key={step}>
            <b>{t("{n, plural, =0 {before it learnt} one {after one step} other {after # steps}}", { n: step })}</b>
            <p class="sample" dir={directionOf(begin + text)}>
              <span class="soft">{begin}</span>
              {text}
            </p>
          </li>
        ))}
      </ol>
      <p class="soft">
        {t("The beginning in grey was given; each further symbol was drawn from the network’s probabilities.")}
      </p>
    </section>
  );
}
