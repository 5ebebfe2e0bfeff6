const SPACE = 0x20;
const NO_BREAK_SPACE = 0xa0;

/** Texts that mean "not known" in every field (formats §6); compared after trimming. */
const UNKNOWN = new Set(["לא ידוע", "---", "--", "-", ",", ".", "null", "NULL", "unknown"]);

/** Makers that stand for "none"; a country or a name may be called so. */
const UNKNOWN_MAKER = new Set(["General", "general", "GENERAL", "כללי"]);

/** White space, no-break space, byte order marks and right-to-left marks may stand around any published text. */
function isPadding(code: number): boolean {
  return (
    code <= SPACE ||
    code === NO_BREAK_SPACE ||
    code === 0xfeff ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e)
  );
}

/** Removes padding at both ends; what stands inside is kept as published. */
export function trimPadding(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isPadding(text.charCodeAt(start))) start++;
  while (end > start && isPadding(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

/** Text of an element; undefined when it is missing, empty or a placeholder. */
export function cleanText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const trimmed = trimPadding(text);
  if (trimmed.length === 0 || (trimmed.length < 9 && UNKNOWN.has(trimmed))) return undefined;
  return trimmed;
}

/** A manufacturer's name; undefined for the words that chains write where they have none. */
export function cleanMaker(text: string | undefined): string | undefined {
  const trimmed = cleanText(text);
  return trimmed === undefined || UNKNOWN_MAKER.has(trimmed) ? undefined : trimmed;
}

/** `0`/`1` and `false`/`true`; undefined for anything else. */
export function readBoolean(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === "0") return false;
  if (text === "1") return true;
  const word = trimPadding(text).toLowerCase();
  if (word === "0" || word === "false") return false;
  return word === "1" || word === "true" ? true : undefined;
}

/** A copy that keeps no larger string alive: slices of a chunk would hold the whole chunk inside a cache. */
export function detached(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
