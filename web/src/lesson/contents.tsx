/** The sections of the lesson with what has been read, and where the reader is. */
import type { ReadonlySignal } from "@preact/signals";
import { t } from "../i18n/t";
import { percent, progress, share } from "../progress/store";
import { Inline } from "./html";
import type { Prose } from "./prose";

export function Contents({ lesson, here }: { lesson: Prose; here: ReadonlySignal<string> }) {
  const { read } = progress.value;
  return (
    <nav class="contents" aria-label={t("Contents")}>
      <p class="come">
        <span id="come-label">{t("{percent} done", { percent: percent(share.value) })}</span>
        <progress value={share.value} max={1} aria-labelledby="come-label" />
      </p>
      <ol>
        {lesson.sections.map(({ id, title }) => (
          <li key={id} data-read={read.includes(id)}>
            <a href={`#/learn/${id}`} aria-current={here.value === id ? "true" : undefined}>
              <Inline html={title} />
              {read.includes(id) && <span class="unseen"> {t("(read)")}</span>}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}
