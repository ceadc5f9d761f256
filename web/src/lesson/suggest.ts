/** "Suggest an edit": where the text of a page can be changed. */

/** The address of the project's source, from its metadata as the pages were built; "" where it has none. */
declare const __REPOSITORY__: string;

/** The editor of that address, or the text itself, which says which file of the project it is. */
export function suggestion(language: string, document: string, repository = __REPOSITORY__): string {
  const file = `${language}/${document}`;
  return repository ? `${repository}/edit/main/src/upriver/i18n/${file}.md` : `source/${file}.txt`;
}
