/** Longest line that a list of words is kept on; the house's formatter breaks at the same width. */
const WIDTH = 120;

/**
 * Adds a member at the end of the root object of a JSON text, or of the object that the root has under `inside`. Everything else keeps
 * its bytes; the new lines take the indentation and line ends of the text.
 * @param text valid JSON, an object
 */
export function addMember(text: string, key: string, value: unknown, inside?: string): string {
  const unit = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const depth = inside === undefined ? 1 : 2;
  const end = closingBrace(text, inside);
  const before = text.slice(0, end).trimEnd();
  const comma = before.endsWith("{") ? "" : ",";
  const member = `${unit.repeat(depth)}${JSON.stringify(key)}: ${render(value, unit, depth)}`.replaceAll("\n", eol);
  return `${before}${comma}${eol}${member}${eol}${unit.repeat(depth - 1)}${text.slice(end)}`;
}

/** JSON with objects broken into lines, and lists of words on one line where they fit. */
export function render(value: unknown, unit: string, depth: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = unit.repeat(depth + 1);
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((part) => render(part, unit, depth + 1))
    : Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${render(part, unit, depth + 1)}`);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) return open + close;
  const oneLine = `${open}${parts.join(", ")}${close}`;
  if (isList && !oneLine.includes("\n") && oneLine.length + inner.length <= WIDTH) return oneLine;
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${unit.repeat(depth)}${close}`;
}

/** Where the root object ends, or the object under one of its keys. */
function closingBrace(text: string, inside: string | undefined): number {
  let depth = 0;
  let wanted: number | null = inside === undefined ? 1 : null;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") {
      if (depth === wanted) return index;
      depth--;
    } else if (depth === 1 && inside !== undefined && token === JSON.stringify(inside)) {
      // A key, not a value: a colon and the object follow.
      if (/^\s*:\s*\{/.test(text.slice(index + token.length))) wanted = 2;
    }
  }
  throw new RangeError(`the text has no object${inside === undefined ? "" : ` under ${inside}`}`);
}
