/** Modules that the build makes: see build/languages.ts. */
declare module "virtual:languages" {
  export interface Language {
    code: string;
    name: string;
    direction: "ltr" | "rtl";
    locale: string;
    comma: string;
  }
  export const all: Language[];
  export const catalogues: Record<string, () => Promise<{ default: Record<string, string> }>>;
}
