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
/** What may follow a name inside a tag: `endsName` as a pattern. */
const NAME_END = "[>/ \\n\\r\\t]";

/** The tags that bound a row, as published. */
export interface RowTags {
  row: string;
  /** The tag of the rows before, where this row has another: one of them is damaged. */
  usual: string | null;
  list: string | null;
}

/**
 * Finds where rows end. Made once for the tags that bound them: one pattern looks for all of them in one pass. A row never holds a
 * row, so another opening tag of one, or the end of the list, means that the closing tag is missing.
 */
export class RowBounds {
  readonly #tags: RowTags;
  readonly #closing: string;
  readonly #bound: RegExp;
  readonly #boundOrSection: RegExp;

  constructor(tags: RowTags) {
    const { row, usual, list } = tags;
    this.#tags = tags;
    this.#closing = `</${row}`;
    const names = [`/${row}`, row, usual, list === null ? null : `/${list}`].filter((name) => name !== null);
    const bounds = `(?:${names.map(escaped).join("|")})${NAME_END}`;
    this.#bound = new RegExp(`<${bounds}`, "g");
    this.#boundOrSection = new RegExp(`<(?:!|${bounds})`, "g");
  }

  isOf(tags: RowTags): boolean {
    return tags.row === this.#tags.row && tags.usual === this.#tags.usual && tags.list === this.#tags.list;
  }

  /** Finds the end of the row whose content begins at `from`; null when more text is needed. */
  find(text: string, from: number, isFinal: boolean): RowEnd | null {
    const behind = indexBehind(this.#boundOrSection, text, from);
    if (behind === -1) return null;
    if (text.charCodeAt(behind - 1) === BANG) return this.#findAmongSections(text, from, isFinal);
    return this.#endAt(text, behind);
  }

  /** As `find`, where comments or CDATA stand in the row: markup inside them is no markup. */
  #findAmongSections(text: string, from: number, isFinal: boolean): RowEnd | null {
    const found = this.#locate(text, from);
    // Looked at with their insides blanked, in this row first.
    const masked = maskSections(text.slice(from, found === null ? text.length : found.end));
    const isOpen = openSection(masked) !== -1;
    const again = isOpen ? null : this.#locate(masked, 0);
    if (again !== null) return { end: from + again.end, closed: again.closed };
    if (found === null && !isOpen) return null;
    const rest = maskSections(text.slice(from));
    const open = openSection(rest);
    if (open !== -1 && !isFinal && rest.length - open <= MAX_SECTION) return null;
    const last = this.#locate(rest, 0);
    return last === null ? null : { end: from + last.end, closed: last.closed };
  }

  #locate(text: string, from: number): RowEnd | null {
    const behind = indexBehind(this.#bound, text, from);
    return behind === -1 ? null : this.#endAt(text, behind);
  }

  /** The end of the row whose bound was found: `behind` is the index behind the character that follows its name. */
  #endAt(text: string, behind: number): RowEnd | null {
    const start = text.lastIndexOf("<", behind - 1);
    if (start + this.#closing.length + 1 !== behind || !text.startsWith(this.#closing, start)) {
      return { end: start, closed: false };
    }
    const gt = text.indexOf(">", behind - 1);
    return gt === -1 ? null : { end: gt + 1, closed: true };
  }
}

/** Index behind the first match at or behind `from`; -1 for none. */
function indexBehind(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function maskSections(text: string): string {
  return text.replace(SECTION, (section) => " ".repeat(section.length));
}

/** Where a comment or CDATA begins that does not end; -1 for none. */
function openSection(masked: string): number {
  return Math.max(masked.lastIndexOf("<!--"), masked.lastIndexOf("<![CDATA["));
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
