const SPACE = 0x20;
const BANG = 0x21;
const SLASH = 0x2f;
const LESS = 0x3c;

/** Where a row ends in the text. `closed` is false when its closing tag is missing: the next row or the end of the list came first. */
export interface RowEnd {
  end: number;
  closed: boolean;
}

/** Comments and CDATA are looked at this far: an unterminated one must not swallow the rows that follow. */
const MAX_SECTION = 64 * 1024;
const SECTION = new RegExp(`<!\\[CDATA\\[[^]{0,${MAX_SECTION}}?\\]\\]>|<!--[^]{0,${MAX_SECTION}}?-->`, "g");

/** The tags that bound a row, as published. */
export interface RowTags {
  row: string;
  /** The tag of the rows before, where this row has another: one of them is damaged. */
  usual: string | null;
  list: string | null;
}

/**
 * Finds the end of the row whose content begins at `from`; null when more text is needed. A row never holds a row, so another
 * opening tag of one means that the closing one is missing.
 */
export function findRowEnd(text: string, from: number, tags: RowTags, isFinal: boolean): RowEnd | null {
  const found = locate(text, from, tags);
  const row = text.slice(from, found === null ? text.length : found.end);
  if (!row.includes("<!")) return found;
  // Markup inside comments and CDATA is no markup: look again with their insides blanked, in this row first.
  const masked = maskSections(row);
  const isOpen = openSection(masked) !== -1;
  const again = isOpen ? null : locate(masked, 0, tags);
  if (again !== null) return { end: from + again.end, closed: again.closed };
  if (found === null && !isOpen) return null;
  const rest = maskSections(text.slice(from));
  const open = openSection(rest);
  if (open !== -1 && !isFinal && rest.length - open <= MAX_SECTION) return null;
  const last = locate(rest, 0, tags);
  return last === null ? null : { end: from + last.end, closed: last.closed };
}

function maskSections(text: string): string {
  return text.replace(SECTION, (section) => " ".repeat(section.length));
}

/** Where a comment or CDATA begins that does not end; -1 for none. */
function openSection(masked: string): number {
  return Math.max(masked.lastIndexOf("<!--"), masked.lastIndexOf("<![CDATA["));
}

function locate(text: string, from: number, tags: RowTags): RowEnd | null {
  const close = indexOfTag(text, `</${tags.row}`, from);
  const inside = close === -1 ? text.slice(from) : text.slice(from, close);
  const bounds = [
    indexOfTag(inside, `<${tags.row}`, 0),
    tags.usual === null ? -1 : indexOfTag(inside, `<${tags.usual}`, 0),
    tags.list === null ? -1 : indexOfTag(inside, `</${tags.list}`, 0),
  ].filter((at) => at !== -1);
  const cut = bounds.length === 0 ? -1 : Math.min(...bounds);
  if (cut !== -1) return { end: from + cut, closed: false };
  if (close === -1) return null;
  const gt = text.indexOf(">", close);
  return gt === -1 ? null : { end: gt + 1, closed: true };
}

/** Index of a tag by its beginning, which must be followed by white space, `/` or `>`: `</Promotion` is not `</PromotionId`. */
export function indexOfTag(text: string, beginning: string, from: number): number {
  for (let at = text.indexOf(beginning, from); at !== -1; at = text.indexOf(beginning, at + 1)) {
    if (endsName(text.charCodeAt(at + beginning.length))) return at;
  }
  return -1;
}

/** True for what may follow a name inside a tag. NaN (end of the text) is not. */
export function endsName(code: number): boolean {
  return code === 0x3e || code === 0x2f || code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/**
 * What an element whose content begins at `from` holds: `isComplex` when an element comes first, `firstIsComplex` when that one
 * holds an element first, too. Null when the text ends too early to tell.
 */
export function contentOf(text: string, from: number): { isComplex: boolean; firstIsComplex: boolean } | null {
  const first = elementAt(text, from);
  if (first === null) return null;
  if (first === false) return { isComplex: false, firstIsComplex: false };
  const gt = text.indexOf(">", from);
  if (gt === -1) return null;
  const second = text.charCodeAt(gt - 1) === SLASH ? false : elementAt(text, gt + 1);
  return second === null ? null : { isComplex: true, firstIsComplex: second };
}

/** True when an opening tag comes next, blanks skipped. */
function elementAt(text: string, from: number): boolean | null {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  if (at + 1 >= text.length) return null;
  const next = text.charCodeAt(at + 1);
  return text.charCodeAt(at) === LESS && next !== SLASH && next !== BANG;
}
