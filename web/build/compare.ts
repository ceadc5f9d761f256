/** The same text in every language: the same sections, blocks, answers, formulas and links, in the same order. */
import type { Compiled, DocumentName, Language, Prose } from "./prose.ts";

/** What is different between a translation and the English file, said with file, line and block; empty when nothing is. */
export function compare(english: Compiled, other: Compiled, englishFile: string, otherFile: string): string[] {
  const here = other.parts;
  for (const [i, wanted] of english.parts.entries()) {
    const found = here[i];
    if (!found) return [`${otherFile}: ends before ${wanted.where} (${englishFile}:${wanted.line}: ${wanted.what})`];
    if (found.where !== wanted.where || found.what !== wanted.what) {
      const place = found.where === wanted.where ? found.where : `${found.where}, where ${wanted.where} is due`;
      return [
        `${otherFile}:${found.line}: ${place}: ${difference(wanted.what, found.what)} (${englishFile}:${wanted.line})`,
      ];
    }
  }
  const more = here[english.parts.length];
  return more ? [`${otherFile}:${more.line}: ${more.where}: ${more.what}, which ${englishFile} does not have`] : [];
}

function difference(wanted: string, found: string): string {
  const items = (text: string): string[] => text.split("; ");
  if (wanted === found) return "in another place";
  if (!/^(formula|link) /.test(wanted) && !/^(formula|link) /.test(found))
    return `has "${found}", the English "${wanted}"`;
  const lost = items(wanted).filter((item) => !items(found).includes(item) && !item.startsWith("no "));
  const added = items(found).filter((item) => !items(wanted).includes(item) && !item.startsWith("no "));
  return [lost.length ? `lacks ${lost.join("; ")}` : "", added.length ? `has too much: ${added.join("; ")}` : ""]
    .filter(Boolean)
    .join(", ");
}

export interface Names {
  figure: ReadonlySet<string>;
  predict: ReadonlySet<string>;
  run: ReadonlySet<string>;
}

/** Names and links that lead nowhere. */
export function dangling(documents: ReadonlyMap<DocumentName, Prose>, names: Names, language: Language): string[] {
  const found: string[] = [];
  const places = new Map<string, Set<string>>();
  for (const [name, prose] of documents) places.set(name, new Set(prose.sections.map((section) => section.id)));
  const has = (document: string, id: string): boolean => places.get(document)?.has(id) ?? true;
  for (const [name, prose] of documents) {
    const file = `${language}/${name}.md`;
    const groups = [{ id: "the beginning", blocks: prose.intro, see: [] as string[] }, ...prose.sections];
    for (const { id, blocks, see } of groups) {
      for (const block of blocks) {
        if (block.kind === "figure" || block.kind === "predict" || block.kind === "run") {
          if (!names[block.kind].has(block.name))
            found.push(`${file}: #${id}: no ${block.kind} is called ${block.name}`);
        }
        for (const [, page = "", target = ""] of JSON.stringify(block).matchAll(/#\/(learn|glossary)\/([\w-]+)/g)) {
          const document = page === "learn" ? "lesson" : page;
          if (!has(document, target)) found.push(`${file}: #${id}: links to ${document}#${target}, which is not there`);
        }
      }
      for (const place of see) {
        const [document = "", target = ""] = place.split("#");
        if (!has(document, target)) found.push(`${file}: #${id}: see: ${place}, which is not there`);
      }
    }
  }
  return found;
}
