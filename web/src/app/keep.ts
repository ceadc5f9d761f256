/** What is kept in this browser, and nowhere else. A browser that refuses forgets when the page is closed. */
const PREFIX = "upriver.";
const here = new Map<string, string>();

export function keep(name: string, value: unknown): void {
  const text = JSON.stringify(value);
  here.set(name, text);
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // full, or forbidden: it is kept as long as the page is open
  }
}

export function kept<T>(name: string): T | undefined {
  let text: string | null | undefined = here.get(name);
  if (text === undefined) {
    try {
      text = localStorage.getItem(PREFIX + name);
    } catch {
      text = undefined;
    }
  }
  if (text === null || text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
