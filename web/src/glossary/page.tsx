/** The glossary: every term with its meaning and the way back to where the lesson uses it; searched as one types. */
import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect } from "preact/hooks";
import { place } from "../app/router";
import { language, t } from "../i18n/t";
import { Html, Inline } from "../lesson/html";
import { useProse, type Prose, type Section } from "../lesson/prose";
import { suggestion } from "../lesson/suggest";
import "../lesson/lesson.css";
import "./glossary.css";

export default function Page() {
  const glossary = useProse("glossary");
  const lesson = useProse("lesson");
  return glossary ? <Glossary glossary={glossary} lesson={lesson} /> : <div class="lesson waiting" aria-busy="true" />;
}

/** Letters without their marks and case, so that "activación" or "ACTIVATION" finds what it means. */
export const plain = (text: string): string =>
  text
    .replace(/<[^>]*>/g, " ")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();

const holds = (term: Section, wanted: string): boolean => {
  const texts = term.blocks.map((block) => ("html" in block ? block.html : ""));
  return plain([term.id.replaceAll("-", " "), term.title, ...texts].join(" ")).includes(wanted);
};

function Glossary({ glossary, lesson }: { glossary: Prose; lesson: Prose | undefined }) {
  const search = useSignal("");
  const field = useId();
  const { page, rest } = place.value;
  useLayoutEffect(() => {
    if (page !== "glossary" || !rest) return;
    search.value = "";
    requestAnimationFrame(() => document.getElementById(`term-${rest}`)?.scrollIntoView({ block: "center" }));
  }, [page, rest]);
  const wanted = plain(search.value.trim());
  const { locale } = language.value;
  const order = new Intl.Collator(locale);
  const found = glossary.sections
    .filter((term) => !wanted || holds(term, wanted))
    .sort((a, b) => order.compare(plain(a.title), plain(b.title)));
  const titleOf = (id: string) => lesson?.sections.find((section) => section.id === id)?.title;
  return (
    <article class="glossary" aria-labelledby="glossary-title">
      <h1 id="glossary-title">
        <Inline html={glossary.title} />
      </h1>
      <search>
        <label class="field" for={field}>
          <span>{t("Find a term")}</span>
        </label>
        <input
          id={field}
          type="search"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
        <p class="soft" role="status">
          {t("{n, plural, one {# term} other {# terms}}", { n: found.length })}
        </p>
      </search>
      <dl>
        {found.map((term) => (
          <div key={term.id} id={`term-${term.id}`} class="entry" data-here={rest === term.id}>
            <dt>
              <a class="anchor" href={`#/glossary/${term.id}`}>
                <Inline html={term.title} />
              </a>
            </dt>
            <dd>
              {term.blocks.map((block, i) => block.kind === "text" && <Html key={i} html={block.html} />)}
              {term.see.map((place) => {
                const id = place.split("#")[1] ?? "";
                const title = titleOf(id);
                return (
                  title && (
                    <p key={place} class="back">
                      <a href={`#/learn/${id}`}>
                        {t("In the lesson:")} <Inline html={title} />
                      </a>
                    </p>
                  )
                );
              })}
            </dd>
          </div>
        ))}
      </dl>
      <p class="edit">
        <a href={suggestion(language.value.code, "glossary")} rel="noreferrer noopener" target="_blank">
          {t("Suggest an edit to this page")}
        </a>
      </p>
    </article>
  );
}
