/// <reference types="vitest/config" />
import preact from "@preact/preset-vite";
import { defineConfig } from "vite";
import { content } from "./build/content.ts";
import { FOLDER, languages } from "./build/languages.ts";
import { single } from "./build/single.ts";

/** Where `upriver learn` serves the engine while pages are developed with `npm run dev`. */
const ENGINE = process.env.UPRIVER_ENGINE ?? "http://127.0.0.1:8321";

export default defineConfig({
  base: "./",
  plugins: [preact(), languages(), content({ prose: FOLDER, figures: `${FOLDER}../web/figures.json` }), single()],
  build: {
    outDir: process.env.UPRIVER_PAGES ?? "../src/upriver/web/pages",
    emptyOutDir: true,
    target: "es2022",
    // Small files stay files: the security policy wants no inline data but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: { "/engine": { target: ENGINE, ws: true, changeOrigin: true, headers: { origin: ENGINE } } },
    fs: { allow: [".."] },
  },
  test: { include: ["test/**/*.test.{ts,tsx}"], environment: "happy-dom" },
});
