/** Characters that COPY's text format gives a meaning, and NUL, which PostgreSQL cannot store. */
// oxlint-disable-next-line no-control-regex -- NUL is looked for on purpose
const SPECIAL = /[\\\t\n\r\0]/;
// oxlint-disable-next-line no-control-regex -- as above
const EACH_SPECIAL = /[\\\t\n\r\0]/g;

const REPLACEMENT: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "" };

export const NULL = "\\N";

/** A text field of COPY's text format; absent becomes NULL. */
export function textField(value: string | null | undefined): string {
  if (value === undefined || value === null) return NULL;
  return SPECIAL.test(value) ? value.replace(EACH_SPECIAL, (character) => REPLACEMENT[character] ?? "") : value;
}

export function booleanField(value: boolean | undefined): string {
  if (value === undefined) return NULL;
  return value ? "t" : "f";
}

export function jsonField(value: unknown): string {
  return value === undefined ? NULL : textField(jsonText(value));
}

/** JSON that PostgreSQL's jsonb takes: without NUL, and without halves of characters. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // The escape of either is rare, and may stand after an escaped backslash: only then look at every text.
  return /\\u(?:0000|d[89a-f])/.test(text) ? JSON.stringify(value, storable) : text;
}

function storable(_key: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed().replaceAll("\0", "") : value;
}
