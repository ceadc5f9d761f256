/** Lesson, slides, questions and glossary in the reader's language, each fetched when it is first shown. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { prose as loaders } from "virtual:prose";
import type { DocumentName, Prose } from "../../build/prose";
import { language } from "../i18n/t";

export type { Block, Choice, DocumentName, Prose, Section } from "../../build/prose";

const loaded = new Map<string, Promise<Prose>>();

/** A document in one language; in a draft a document that is not translated yet is shown in English. */
export function load(name: DocumentName, code: string): Promise<Prose> {
  const key = `${code}/${name}`;
  let found = loaded.get(key);
  if (!found) {
    const loader = loaders[name]?.[code] ?? loaders[name]?.["en"];
    found = loader ? loader().then((module) => module.default) : Promise.reject(new Error(`no ${name}`));
    found.catch(() => loaded.delete(key));
    loaded.set(key, found);
  }
  return found;
}

/** The document, undefined until it is there; after a change of language the old one stays until the new one comes. */
export function useProse(name: DocumentName): Prose | undefined {
  const shown = useSignal<Prose | undefined>(undefined);
  const { code } = language.value;
  useEffect(() => {
    let current = true;
    load(name, code).then(
      (prose) => {
        if (current) shown.value = prose;
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [name, code]);
  return shown.value;
}
