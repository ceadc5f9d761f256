/**
 * A Vite plugin that compiles src/upriver/i18n/xx/*.md: `virtual:prose` gives a loader for each document and language,
 * each a chunk of its own. The build fails where the languages differ; UPRIVER_DRAFT=1 makes that a warning and lets
 * a language be absent. The Markdown itself goes along as `source/xx/name.txt`, for "suggest an edit".
 */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { compare, dangling } from "./compare.ts";
import type { Names } from "./compare.ts";
import { codes } from "./languages.ts";
import { parse } from "./parse.ts";
import { DOCUMENTS } from "./prose.ts";
import type { Compiled, DocumentName, Language, Prose } from "./prose.ts";

const MAP = "virtual:prose";

export interface Compilation {
  /** Per document, per language. */
  documents: Map<DocumentName, Map<Language, Compiled>>;
  languages: Language[];
  problems: string[];
  files: string[];
}

/** Every document in every language that there is, and everything that is wrong with them. */
export function compileAll(folder: string, figures: string): Compilation {
  const languages = codes(folder);
  const made: Compilation = { documents: new Map(), languages, problems: [], files: [] };
  for (const name of DOCUMENTS) {
    const versions = new Map<Language, Compiled>();
    made.documents.set(name, versions);
    for (const language of languages) {
      const path = join(folder, language, `${name}.md`);
      const shown = `${language}/${name}.md`;
      if (!existsSync(path)) {
        made.problems.push(`${shown}: is not there`);
        continue;
      }
      made.files.push(path);
      try {
        const compiled = parse(readFileSync(path, "utf-8"), shown, { rtl: runsLeft(folder, language) });
        versions.set(language, compiled);
        const english = versions.get("en");
        if (english && language !== "en") made.problems.push(...compare(english, compiled, `en/${name}.md`, shown));
      } catch (error) {
        made.problems.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  const names = namesOf(figures);
  for (const language of languages) {
    const all = new Map<DocumentName, Prose>();
    for (const [name, versions] of made.documents) {
      const compiled = versions.get(language);
      if (compiled) all.set(name, compiled.prose);
    }
    made.problems.push(...dangling(all, names, language));
  }
  return made;
}

function runsLeft(folder: string, language: Language): boolean {
  const { direction } = JSON.parse(readFileSync(join(folder, language, "language.json"), "utf-8")) as {
    direction?: string;
  };
  return direction === "rtl";
}

function namesOf(path: string): Names {
  const data = JSON.parse(readFileSync(path, "utf-8")) as Record<"figures" | "predict" | "run", object>;
  const keys = (part: object): Set<string> => new Set(Object.keys(part));
  return { figure: keys(data.figures), predict: keys(data.predict), run: keys(data.run) };
}

/** Where the project says that its source is (`Source` or `Repository` of [project.urls]); "" if it does not say. */
export function repository(pyproject: string): string {
  const [, urls = ""] = /^\[project\.urls\]\n((?:(?!\[).*(?:\n|$))*)/m.exec(pyproject) ?? [];
  const [, found = ""] = /^"?(?:source|repository)"?\s*=\s*"(https:[^"]+)"/im.exec(urls) ?? [];
  return found.replace(/\/+$/, "");
}

export interface Places {
  /** src/upriver/i18n */
  prose: string;
  /** src/upriver/web/figures.json */
  figures: string;
}

const upriver = (path: string): string => fileURLToPath(new URL(`../../src/upriver/${path}`, import.meta.url));
export const PLACES: Places = { prose: upriver("i18n"), figures: upriver("web/figures.json") };

export function content(places: Places = PLACES): Plugin {
  let strict = false;
  let compiled: Compilation | null = null;
  const all = (): Compilation => (compiled ??= compileAll(places.prose, places.figures));
  return {
    name: "upriver-prose",
    config() {
      const pyproject = readFileSync(fileURLToPath(new URL("../../pyproject.toml", import.meta.url)), "utf-8");
      return { define: { __REPOSITORY__: JSON.stringify(repository(pyproject)) } };
    },
    generateBundle() {
      for (const file of all().files) {
        const path = relative(places.prose, file).split(sep).join("/");
        // The mark at the front tells every browser, from every host, that it is UTF-8; then, which file of the project.
        const text = `\ufeffsrc/upriver/i18n/${path}\n\n${readFileSync(file, "utf-8")}`;
        this.emitFile({ type: "asset", fileName: `source/${path.replace(/\.md$/, ".txt")}`, source: text });
      }
    },
    configResolved(config) {
      strict = config.command === "build" && process.env["UPRIVER_DRAFT"] !== "1" && !process.env["VITEST"];
    },
    buildStart() {
      compiled = null;
      const { problems, files } = all();
      for (const file of files) this.addWatchFile(file);
      if (problems.length && strict) this.error(`the prose is not whole:\n  ${problems.join("\n  ")}`);
      if (problems.length) this.warn(`the prose is not whole yet:\n  ${problems.join("\n  ")}`);
    },
    resolveId(id) {
      return id === MAP || id.startsWith(`${MAP}/`) ? `\0${id}` : undefined;
    },
    load(id) {
      if (id === `\0${MAP}`) return mapModule(all());
      if (!id.startsWith(`\0${MAP}/`)) return undefined;
      const [, language = "", name = ""] = id.slice(1).split("/");
      const document = all()
        .documents.get(name as DocumentName)
        ?.get(language);
      if (!document) return this.error(`there is no ${language}/${name}.md`);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(document.prose))});`;
    },
    handleHotUpdate({ file, server }) {
      if (relative(places.prose, file).startsWith("..") || !file.endsWith(".md")) return;
      compiled = null;
      for (const module of server.moduleGraph.idToModuleMap.values()) {
        if (module.id?.startsWith(`\0${MAP}`)) server.moduleGraph.invalidateModule(module);
      }
      server.ws.send({ type: "full-reload" });
    },
  };
}

/** `export const prose = { lesson: { en: () => import(…), … }, … }`: each language is loaded when it is first shown. */
function mapModule({ documents }: Compilation): string {
  const entries = [...documents].map(([name, versions]) => {
    const loaders = [...versions.keys()].map((lang) => `${lang}: () => import("${MAP}/${lang}/${name}")`);
    return `  ${name}: { ${loaders.join(", ")} },`;
  });
  return `export const prose = {\n${entries.join("\n")}\n};\n`;
}
