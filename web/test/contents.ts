/** Traces that the engine wrote: tests/web/test_lab_content.py writes them, and holds them to what it writes today. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../src/engine/types";

export const contentOf = (name: "worked" | "shares" | "network"): Content =>
  JSON.parse(readFileSync(join(import.meta.dirname, "content", `${name}.json`), "utf-8")) as Content;
