/**
 * The languages as modules, from the same files that the engine reads: `virtual:languages` tells which there are,
 * `virtual:catalogue/xx` is what pages and engine say in one of them. A fifth folder is a fifth language.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

export const FOLDER = fileURLToPath(new URL("../../src/upriver/i18n/", import.meta.url));

/** The codes of the languages, English first. */
export function codes(folder = FOLDER): string[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "language.json")))
    .sort((a, b) => Number(b === "en") - Number(a === "en") || a.localeCompare(b));
}

const read = (path: string): unknown => JSON.parse(readFileSync(FOLDER + path, "utf8"));

/** The translations of one language that pages show; those that are still missing are left out. */
export function catalogue(code: string): Record<string, string> {
  const names = ["sentences", "pages"].filter((name) => existsSync(`${FOLDER}${code}/${name}.json`));
  const all = Object.assign({}, ...names.map((name) => read(`${code}/${name}.json`))) as Record<string, string>;
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text));
}

/** The English texts that the pages say. */
export const keysOf = (code: string): string[] =>
  existsSync(`${FOLDER}${code}/pages.json`) ? Object.keys(read(`${code}/pages.json`) as object) : [];

/** @param wanted the languages that the pages can fetch */
export function languages(wanted = codes()): Plugin {
  return {
    name: "upriver-languages",
    resolveId: (id) => (/^virtual:(languages|catalogue)/.test(id) ? `\0${id}` : undefined),
    load(id) {
      if (id === "\0virtual:languages") {
        const all = wanted.map((code) => ({ code, ...(read(`${code}/language.json`) as object) }));
        const loaders = wanted.map((code) => `${JSON.stringify(code)}: () => import("virtual:catalogue/${code}")`);
        return `export const all = ${JSON.stringify(all)};\nexport const catalogues = { ${loaders.join(", ")} };`;
      }
      const code = id.match(/^\0virtual:catalogue\/([\w-]+)$/)?.[1];
      if (code === undefined) return undefined;
      for (const path of ["sentences", "pages"].map((name) => `${FOLDER}${code}/${name}.json`)) {
        if (existsSync(path)) this.addWatchFile(path);
      }
      return `export default ${JSON.stringify(catalogue(code))};`;
    },
  };
}
