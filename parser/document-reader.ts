import { UnreadableFileError } from "../shared/errors.ts";
import type { Kind } from "./dialects/dialect.ts";
import { type Layout, layoutOf } from "./dialects/index.ts";
import { nextMarkup } from "./markup.ts";
import { type OpenElement, Outline } from "./outline.ts";
import { detached } from "./normalise/text.ts";
import type { Problems } from "./problems.ts";
import { contentOf, endsName, indexOfTag, RowBounds } from "./row-bounds.ts";
import type { RowSink } from "./row-sink.ts";
import { TextWindow } from "./text-window.ts";

/** A row's XML may be this long, in characters: up to 8 MB, more than fits a message. */
const MAX_ROW_CHARS = 4 * 1024 * 1024;
/** Outside the rows no tag is this far from the next. */
const MAX_GAP_CHARS = 1024 * 1024;
/** So many `<` outside the rows that begin no tag are no damage any more but another format. */
const MAX_RAW_MARKUP = 10_000;
const SPACE = 0x20;
const SLASH = 0x2f;

type Mode = "outside" | "candidate" | "row" | "between" | "oversized" | "done";

/**
 * Splits a document into its outline and its rows, from decoded text that comes in chunks. Memory holds one chunk and at most one
 * row. The boundaries of rows are found in the text, so whatever is wrong inside a row costs that row alone.
 */
export class DocumentReader {
  readonly outline: Outline;
  /** Set when the document ends before it should, or goes on after its end. */
  damage: string | null = null;
  readonly #layout: Layout;
  readonly #kind: Kind | null;
  readonly #problems: Problems;
  readonly #sink: RowSink;
  readonly #window = new TextWindow(MAX_ROW_CHARS);
  #mode: Mode = "outside";
  #started = false;
  /** The row element in hand: also what the next row is expected to be. */
  #row: OpenElement | null = null;
  #list: OpenElement | null = null;
  /** Tag of the first row whose name is known; null before. */
  #usualTag: string | null = null;
  /** Opening tag of the row as most files write it, without attributes. */
  #plainOpen = "";
  /** Where rows such as the one in hand end; null until the first is known. */
  #bounds: RowBounds | null = null;
  /** Length of the candidate's opening tag, which stands at the current position. */
  #openChars = 0;
  #rowsSeen = 0;
  #rawMarkup = 0;

  constructor(kind: Kind | null, sink: RowSink, problems: Problems) {
    this.#kind = kind;
    this.#layout = layoutOf(kind);
    this.#sink = sink;
    this.#problems = problems;
    this.outline = new Outline(problems);
  }

  write(chunk: string): void {
    if (this.#readSeam(chunk)) return;
    if (this.#window.add(chunk)) this.#run(false);
  }

  /**
   * Between two chunks only the row that straddles them is copied, up to the next row's opening tag; the rest of the chunk is read
   * where it is. False when there is no row to go by.
   */
  #readSeam(chunk: string): boolean {
    if (this.#plainOpen === "" || !this.#window.canSeam()) return false;
    const next = chunk.indexOf(this.#plainOpen);
    if (next === -1) return false;
    this.#window.addBeginning(chunk, next);
    this.#run(false);
    this.#window.addRest(chunk, next);
    this.#run(false);
    return true;
  }

  /** The text is over. */
  end(): void {
    this.#window.takeWaiting();
    this.#run(true);
    if (!this.outline.rootClosed && this.#started) this.damage ??= "the document is not closed";
  }

  #run(isFinal: boolean): void {
    let more = true;
    while (more) {
      if (this.#mode === "row") more = this.#readRow(isFinal);
      else if (this.#mode === "between") more = this.#readBetween(isFinal);
      else if (this.#mode === "outside") more = this.#readOutside(isFinal);
      else if (this.#mode === "candidate") more = this.#judge(isFinal);
      else if (this.#mode === "oversized") more = this.#skipOversized();
      else more = this.#drop();
    }
  }

  /** Up to and with the next markup outside the rows. */
  #readOutside(isFinal: boolean): boolean {
    if (!this.#started && !this.#start()) return false;
    const markup = nextMarkup(this.#window.text, this.#window.pos, isFinal);
    if (markup === null) {
      const gap = this.#window.unreadChars;
      return gap > MAX_GAP_CHARS ? this.#giveUp(`${gap} characters without a tag`) : false;
    }
    const before = this.#window.text.slice(this.#window.pos, markup.start);
    const piece = this.#window.text.slice(markup.start, markup.end);
    this.#window.pos = markup.end;
    if (markup.kind !== "tag") {
      if (markup.kind === "raw") {
        this.#problems.note("outside the rows: a raw <");
        if (++this.#rawMarkup > MAX_RAW_MARKUP) return this.#giveUp(`more than ${MAX_RAW_MARKUP} times a raw <`);
      }
      this.outline.feed(markup.kind === "text" ? before + piece : markup.kind === "raw" ? `${before}&lt;` : before);
      return true;
    }
    const opened = this.outline.feed(before + piece);
    if (this.outline.rootClosed) this.#mode = "done";
    if (opened === null || !this.#isCandidate(opened)) return true;
    this.#row = opened;
    this.#list = this.outline.parent(opened.selfClosing ? 0 : 1);
    // The opening tag stays in hand: if this is a row, it is part of it.
    this.#window.pos = markup.start;
    this.#openChars = markup.end - markup.start;
    this.#mode = "candidate";
    return true;
  }

  /** Skips marks and blanks before the first tag. */
  #start(): boolean {
    const at = this.#window.text.indexOf("<", this.#window.pos);
    if (at === -1) return false;
    this.#window.pos = at;
    this.#started = true;
    return true;
  }

  /** A row by its name, or a child of a list that is no container. */
  #isCandidate(opened: OpenElement): boolean {
    if (this.#layout.isContainer(opened.name)) return false;
    if (this.#layout.isRow(opened.name) || this.#layout.foreignKindOf(opened.name) !== null) return true;
    const around = this.outline.parent(opened.selfClosing ? 0 : 1);
    return around !== null && this.#layout.isList(around.name);
  }

  /** Looks at what follows an element that may be a row: a list, a field of the header, or a row of another kind of file. */
  #judge(isFinal: boolean): boolean {
    const row = this.#rowInHand();
    const isKnownRow = this.#layout.isRow(row.name);
    const from = this.#window.pos + this.#openChars;
    const inside = row.selfClosing ? null : contentOf(this.#window.text, from);
    if (inside === null && !row.selfClosing && !isFinal) return false;
    this.#mode = "outside";
    const start = this.#window.pos;
    this.#window.pos = from;
    if (row.selfClosing) {
      if (isKnownRow) {
        this.#emptyRow(row);
        this.#rowsSeen++;
      }
      return true;
    }
    const foreign = this.#layout.foreignKindOf(row.name);
    if (foreign !== null && foreign !== this.#kind) {
      if (inside?.isComplex === true) this.#foreignRow(row, foreign);
      return true;
    }
    // `Store` holds fields when it is a row, and rows when it is a list or the root of another dialect.
    const isRow = isKnownRow ? !(row.name === "store" && inside?.firstIsComplex === true) : inside?.isComplex === true;
    if (!isRow) return true;
    if (isKnownRow) this.#usualTag ??= row.tag;
    this.#plainOpen = `<${row.tag}>`;
    const tags = { row: row.tag, usual: this.#isUsual(row) ? null : this.#usualTag, list: this.#listTag() };
    if (this.#bounds?.isOf(tags) !== true) this.#bounds = new RowBounds(tags);
    this.#window.pos = start;
    this.#mode = "row";
    return true;
  }

  #foreignRow(row: OpenElement, kind: Kind): void {
    if (this.#rowsSeen === 0 && this.#kind !== null) {
      throw new UnreadableFileError(`named as a ${this.#kind} file, but it holds <${row.tag}> of a ${kind} file`, {
        hint: "the portal published it under a wrong name",
      });
    }
    this.damage ??= `<${row.tag}> of a ${kind} file among the rows`;
  }

  /** One row, which begins at the current position with its opening tag. */
  #readRow(isFinal: boolean): boolean {
    const row = this.#rowInHand();
    const text = this.#window.text;
    let from = this.#window.pos + this.#plainOpen.length;
    const isPlain = text.startsWith(this.#plainOpen, this.#window.pos);
    if (!isPlain) {
      const gt = text.indexOf(">", this.#window.pos);
      if (gt === -1) return this.#waitForRow(isFinal);
      from = gt + 1;
      if (text.charCodeAt(gt - 1) === SLASH) {
        this.#emptyRow(row);
        return this.#rowEnds(from);
      }
    }
    this.#sink.begin(row, this.#list);
    const scanned = isPlain && this.#isUsual(row) ? this.#sink.scan(text, this.#window.pos, from) : -1;
    if (scanned !== -1) return this.#rowEnds(scanned);
    const found = this.#bounds?.find(text, from, isFinal) ?? null;
    if (found === null) return this.#waitForRow(isFinal);
    const xml = text.slice(this.#window.pos, found.end);
    if (found.closed) this.#sink.row(xml);
    else this.#sink.broken(`<${row.tag}> is not closed`, xml);
    return this.#rowEnds(found.end);
  }

  /** False when the rows before had another tag: one of the two is damaged. */
  #isUsual(row: OpenElement): boolean {
    return this.#usualTag === null || this.#usualTag === row.tag;
  }

  /** The list that the row stands in. In a damaged document any element may stand there, a field of the row even: not a bound. */
  #listTag(): string | null {
    return this.#list !== null && this.#layout.isList(this.#list.name) ? this.#list.tag : null;
  }

  #rowEnds(end: number): boolean {
    this.#rowsSeen++;
    this.#window.pos = end;
    this.#mode = "between";
    return true;
  }

  /** Behind a row: most often the next one follows; anything else is read outside the rows. */
  #readBetween(isFinal: boolean): boolean {
    const text = this.#window.text;
    const row = this.#rowInHand();
    let pos = this.#window.pos;
    while (text.charCodeAt(pos) <= SPACE) pos++;
    this.#window.pos = pos;
    if (text.startsWith(this.#plainOpen, pos)) {
      this.#mode = "row";
      return true;
    }
    const nameEnd = pos + 1 + row.tag.length;
    if (nameEnd >= text.length && !isFinal) return false;
    if (text.startsWith(`<${row.tag}`, pos) && endsName(text.charCodeAt(nameEnd))) {
      this.#mode = "row";
      return true;
    }
    this.outline.feed(`</${row.tag}>`);
    this.#mode = "outside";
    return true;
  }

  /** The row is not whole yet. At the end of the text it never will be: it is left out, and the file is incomplete. */
  #waitForRow(isFinal: boolean): boolean {
    const waiting = this.#window.unreadChars;
    if (isFinal) {
      this.damage = `cut short inside row ${this.#rowsSeen + 1}`;
      this.#window.pos = this.#window.text.length;
      return false;
    }
    if (waiting <= MAX_ROW_CHARS) return false;
    this.#rowsSeen++;
    // Detached: a slice would keep the megabytes alive as long as the rejected row.
    const start = detached(this.#window.text.slice(this.#window.pos, this.#window.pos + 4_000));
    this.#sink.broken(`row of more than ${MAX_ROW_CHARS} characters`, start);
    this.#window.pos++;
    this.#mode = "oversized";
    return true;
  }

  /** Drops text up to the end of a row that is too long, or to the next row. */
  #skipOversized(): boolean {
    const { tag } = this.#rowInHand();
    const close = indexOfTag(this.#window.text, `</${tag}`, this.#window.pos);
    const open = indexOfTag(this.#window.text, `<${tag}`, this.#window.pos);
    if (open !== -1 && (close === -1 || open < close)) {
      this.#window.pos = open;
      this.#mode = "row";
      return true;
    }
    const gt = close === -1 ? -1 : this.#window.text.indexOf(">", close);
    if (gt === -1) {
      this.#window.pos = close === -1 ? Math.max(this.#window.pos, this.#window.text.length - tag.length - 3) : close;
      return false;
    }
    this.#window.pos = gt + 1;
    this.#mode = "between";
    return true;
  }

  /** An element such as `<Item/>`: a row without anything. */
  #emptyRow(row: OpenElement): void {
    this.#sink.begin(row, this.#list);
    this.#sink.row(`<${row.tag}/>`);
  }

  /** Behind the end of the document nothing counts, but more markup means that the file was put together wrongly. */
  #drop(): boolean {
    if (/<[^!?]/.test(this.#window.text.slice(this.#window.pos)))
      this.damage ??= "more markup after the end of the document";
    // A tag may be cut behind its first character.
    this.#window.pos = this.#window.text.length - (this.#window.text.endsWith("<") ? 1 : 0);
    return false;
  }

  #giveUp(reason: string): boolean {
    if (this.#rowsSeen === 0) throw new UnreadableFileError(`not a price file: ${reason}`);
    this.damage = reason;
    this.#mode = "done";
    return true;
  }

  #rowInHand(): OpenElement {
    if (this.#row === null) throw new Error("no row element is known yet");
    return this.#row;
  }
}
