/**
 * The page in one file that `explain(…).html()` writes: its script and style, built of the pages' own sources, and which
 * of the catalogues' texts it says. The engine reads them from `single.json` beside the pages and puts a trace to them.
 */
import preact from "@preact/preset-vite";
import { fileURLToPath } from "node:url";
import { build, parseAst, type Plugin, type Rolldown } from "vite";
import { codes, keysOf, languages } from "./languages.ts";

const ENTRY = fileURLToPath(new URL("../src/single/main.tsx", import.meta.url));

export function single(): Plugin {
  return {
    name: "upriver-single",
    apply: "build",
    async generateBundle() {
      const { script, style } = await bundle();
      // The script stands in a script element.
      if (/<\/script|<!--/i.test(script)) this.error("the page in one file cannot hold its script");
      const said = texts(script);
      const known = new Set(codes().flatMap(keysOf));
      const says = [...known].filter((key) => said.has(key)).sort();
      this.emitFile({ type: "asset", fileName: "single.json", source: JSON.stringify({ script, style, says }) });
    },
  };
}

/** One script without imports, and one style. */
async function bundle(): Promise<{ script: string; style: string }> {
  const made = (await build({
    configFile: false,
    logLevel: "warn",
    plugins: [preact(), languages(["en"])],
    build: {
      write: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: ENTRY, output: { format: "iife" } },
    },
  })) as Rolldown.RolldownOutput;
  const styles = made.output.filter((file) => file.type === "asset" && file.fileName.endsWith(".css"));
  const scripts = made.output.filter((file) => file.type === "chunk");
  if (scripts.length !== 1 || styles.length !== 1) throw new Error("the page in one file is one script and one style");
  const [style] = styles as [Rolldown.OutputAsset];
  return { script: scripts[0]!.code.trim(), style: String(style.source).trim() };
}

/** The texts in a script. */
function texts(script: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const { type, value } = node as { type?: string; value?: unknown };
    if (type === "Literal" && typeof value === "string") found.add(value);
    if (type === "TemplateElement") found.add((value as { cooked: string }).cooked);
    Object.values(node).forEach(visit);
  };
  visit(parseAst(script));
  return found;
}
