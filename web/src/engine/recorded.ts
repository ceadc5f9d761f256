/** Answers that `upriver site` recorded, for a site without an engine. */

/** JSON with keys in order and no spaces: the same text for the same question, here and in src/upriver/web/recorded.py. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const items = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${items.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The name of the file that has the answer. */
export async function keyOf(ask: string, given: object): Promise<string> {
  const bytes = new TextEncoder().encode(canonical({ ask, with: given }));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The recorded answer, or undefined if this was not recorded. */
export async function recorded<T>(ask: string, given: object): Promise<T | undefined> {
  const response = await fetch(`./recorded/${await keyOf(ask, given)}.json`);
  return response.ok ? ((await response.json()) as T) : undefined;
}
