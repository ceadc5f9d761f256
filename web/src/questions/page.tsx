/** Questions and answers, each with something to run. */
import { useEffect } from "preact/hooks";
import { place } from "../app/router";
import { language, t } from "../i18n/t";
import { Blocks } from "../lesson/blocks";
import { Inline } from "../lesson/html";
import { useProse } from "../lesson/prose";
import { suggestion } from "../lesson/suggest";
import { Terms } from "../lesson/terms";
import "../lesson/lesson.css";
import "./questions.css";

export default function Page() {
  const questions = useProse("questions");
  useEffect(() => {
    const { page, rest } = place.value;
    if (questions && page === "questions" && rest) document.getElementById(rest)?.scrollIntoView();
  }, [place.value, questions]);
  if (!questions) return <div class="lesson waiting" aria-busy="true" />;
  return (
    <Terms>
      <article class="questions" aria-labelledby="questions-title">
        <h1 id="questions-title">
          <Inline html={questions.title} />
        </h1>
        <nav aria-label={t("Contents")}>
          <ol>
            {questions.sections.map(({ id, title }) => (
              <li key={id}>
                <a href={`#/questions/${id}`}>
                  <Inline html={title} />
                </a>
              </li>
            ))}
          </ol>
        </nav>
        {questions.sections.map((section) => (
          <section key={section.id} id={section.id} aria-labelledby={`${section.id}-title`}>
            <h2 id={`${section.id}-title`}>
              <Inline html={section.title} />
            </h2>
            <Blocks blocks={section.blocks} document="questions" section={section.id} />
          </section>
        ))}
        <p class="edit unprinted">
          <a href={suggestion(language.value.code, "questions")} rel="noreferrer noopener" target="_blank">
            {t("Suggest an edit to this page")}
          </a>
        </p>
      </article>
    </Terms>
  );
}
