/** The prose as the build compiles it: see build/content.ts. */
declare module "virtual:prose" {
  import type { DocumentName, Prose } from "../../build/prose";
  export const prose: Record<DocumentName, Record<string, () => Promise<{ default: Prose }>>>;
}
