/** How far one has come: what was read and answered, to be saved as a file, loaded again, or begun anew. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "../i18n/t";
import { Inline } from "../lesson/html";
import { useProse } from "../lesson/prose";
import { asFile, fromFile, percent, progress, reset, share } from "./store";
import "../lesson/lesson.css";
import "./progress.css";

export default function Page() {
  const lesson = useProse("lesson");
  const told = useSignal("");
  const sure = useSignal(false);
  const file = useRef<HTMLInputElement>(null);
  const { read, answers, thoughts } = progress.value;
  const load = async (chosen: File | undefined) => {
    if (!chosen) return;
    told.value = fromFile(await chosen.text())
      ? t("Your progress has been loaded.")
      : t("This file holds no progress. Choose one that was saved here.");
  };
  return (
    <article class="progress-page" aria-labelledby="progress-title">
      <h1 id="progress-title">{t("Your progress")}</h1>
      <p class="come big">
        <strong id="progress-share" data-testid="share">
          {t("{percent} done", { percent: percent(share.value) })}
        </strong>
        <progress value={share.value} max={1} aria-labelledby="progress-share" />
      </p>
      <p class="soft">{t("All of this is kept in this browser and nowhere else.")}</p>
      <h2>{t("Sections")}</h2>
      <ul class="items">
        {lesson?.sections.map(({ id, title }) => (
          <li key={id} data-done={read.includes(id)}>
            <a href={`#/learn/${id}`}>
              <Inline html={title} />
            </a>
            <span>{read.includes(id) ? t("✓ read") : t("not read yet")}</span>
          </li>
        ))}
      </ul>
      <h2>{t("Questions")}</h2>
      <ul class="items">
        {lesson?.sections.flatMap((section) =>
          section.blocks.map((block) => {
            if (block.kind !== "check" && block.kind !== "predict") return null;
            const found = answers[block.kind === "check" ? `check ${block.id}` : `predict ${block.name}`];
            return (
              <li key={block.html} data-done={found?.right ?? false}>
                <a href={`#/learn/${section.id}`} class="question-link">
                  <Question html={block.html} />
                </a>
                <span>
                  {found?.right
                    ? t("{tries, plural, one {✓ at the first try} other {✓ after # tries}}", { tries: found.tries })
                    : found
                      ? t("{tries, plural, one {# try} other {# tries}}", { tries: found.tries })
                      : t("not answered yet")}
                </span>
              </li>
            );
          }),
        )}
      </ul>
      <h2>{t("Keep it, take it along, begin again")}</h2>
      <div class="row">
        <button onClick={() => download(asFile())}>{t("Save as a file")}</button>
        <button onClick={() => file.current?.click()}>{t("Load from a file")}</button>
        <input
          ref={file}
          type="file"
          accept="application/json,.json"
          hidden
          aria-label={t("Load from a file")}
          onChange={(event) => void load(event.currentTarget.files?.[0])}
        />
        {sure.value ? (
          <>
            <button
              class="danger"
              onClick={() => {
                reset();
                sure.value = false;
                told.value = t("Your progress has been erased.");
              }}
            >
              {t("Yes, erase everything")}
            </button>
            <button onClick={() => (sure.value = false)}>{t("No, keep it")}</button>
          </>
        ) : (
          <button onClick={() => (sure.value = true)}>{t("Begin again …")}</button>
        )}
      </div>
      <p role="status" class="told">
        {told.value ||
          (Object.keys(thoughts).length > 0 && t("What you wrote in the boxes for thinking is saved with it."))}
      </p>
    </article>
  );
}

/** The first paragraph of a question, without its links: it stands inside another link. */
const Question = ({ html }: { html: string }) => (
  <Inline html={(/<p>(.*?)<\/p>/s.exec(html)?.[1] ?? html).replace(/<\/?a\b[^>]*>/g, "")} />
);

function download(text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "upriver-progress.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
