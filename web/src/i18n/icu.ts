/**
 * Templates: the part of ICU's MessageFormat that translators meet, as src/upriver/i18n/icu.py reads them too.
 * `{name}`, `{n, plural, one {# step} other {# steps}}`, `{x, select, a {…} other {…}}`, `'{'` for a brace.
 */
export type Piece =
  string | { argument: string } | { choice: "plural" | "select"; name: string; ways: Record<string, Piece[]> };

const CONTEXT = /^[a-z][a-z-]*\|(?=\S)/;
const read = new Map<string, Piece[]>();

/** The pieces of a template. Throws a SyntaxError where braces do not match or a choice has no `other`. */
export function parse(template: string): Piece[] {
  const known = read.get(template);
  if (known) return known;
  const [pieces, end] = pieceList(template, template.match(CONTEXT)?.[0].length ?? 0, false);
  if (end !== template.length) throw new SyntaxError(`a "}" too many in ${template}`);
  read.set(template, pieces);
  return pieces;
}

function pieceList(text: string, start: number, inPlural: boolean): [Piece[], number] {
  const pieces: Piece[] = [];
  let at = start;
  let plain = "";
  const flush = () => {
    if (plain) pieces.push(plain);
    plain = "";
  };
  while (at < text.length && text[at] !== "}") {
    const quoted = /^'(?:([{}#]+)'|('))/.exec(text.slice(at));
    if (quoted) {
      plain += quoted[1] ?? "'";
      at += quoted[0].length;
    } else if (text[at] === "{") {
      flush();
      const [piece, end] = braced(text, at);
      pieces.push(piece);
      at = end;
    } else if (inPlural && text[at] === "#") {
      flush();
      pieces.push({ argument: "#" });
      at += 1;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return [pieces, at];
}

function braced(text: string, start: number): [Piece, number] {
  const found = /^\{\s*(\w+)\s*(?:\}|,\s*(plural|select)\s*,\s*)/.exec(text.slice(start));
  if (!found) throw new SyntaxError(`no argument at ${text.slice(start, start + 20)} in ${text}`);
  const name = found[1] as string;
  let at = start + found[0].length;
  if (!found[2]) return [{ argument: name }, at];
  const choice = found[2] as "plural" | "select";
  const ways: Record<string, Piece[]> = {};
  while (text[at] !== "}") {
    const way = /^(=\d+|\w+)\s*\{/.exec(text.slice(at));
    if (!way) throw new SyntaxError(`the ${choice} of ${name} cannot be read in ${text}`);
    const [pieces, end] = pieceList(text, at + way[0].length, choice === "plural");
    if (text[end] !== "}") throw new SyntaxError(`a "}" is missing in ${text}`);
    ways[way[1] as string] = pieces;
    at = end + 1;
    while (/\s/.test(text[at] ?? "")) at += 1;
  }
  if (!ways.other) throw new SyntaxError(`the ${choice} of ${name} has no "other" in ${text}`);
  return [{ choice, name, ways }, at + 1];
}
