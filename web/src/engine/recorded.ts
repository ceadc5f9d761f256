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

/** The name of the file that has the answer: FNV-1a in 64 bits. (`crypto.subtle` is missing on sites served over http.) */
export function keyOf(ask: string, given: object): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(canonical({ ask, with: given }))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/** The recorded answer, or undefined if this was not recorded. */
export async function recorded<T>(ask: string, given: object): Promise<T | undefined> {
  const response = await fetch(`./recorded/${keyOf(ask, given)}.json`);
  return response.ok ? ((await response.json()) as T) : undefined;
}
