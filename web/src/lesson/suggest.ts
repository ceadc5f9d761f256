/** Where the source of the pages lives: one constant, for "suggest an edit". */
export const REPOSITORY = "https://github.com/upriver/upriver";

export const suggestion = (language: string, document: string): string =>
  `${REPOSITORY}/edit/main/src/upriver/i18n/${language}/${document}.md`;
