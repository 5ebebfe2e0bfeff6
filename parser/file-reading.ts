import type { FileTotals } from "../shared/contracts/ingest-messages.ts";
import { UnreadableFileError } from "../shared/errors.ts";
import { decode, type EncodingFacts } from "./decode.ts";
import { type ContainerFacts, decompress, type DecompressOptions } from "./decompress.ts";
import type { Kind } from "./dialects/dialect.ts";
import { DocumentReader } from "./document-reader.ts";
import { UnknownTags } from "./field-slots.ts";
import { MasterKeys } from "./master/master-key.ts";
import { DateReader } from "./normalise/dates.ts";
import { UnitReader } from "./normalise/units.ts";
import { Problems } from "./problems.ts";
import { type RowOutput, RowReader } from "./row-reader.ts";
import { SeenCodes } from "./seen-codes.ts";
import { refuseErrorPage } from "./sniff.ts";

export interface ReadingOptions extends DecompressOptions {
  /** Null: found from the content. */
  kind: Kind | null;
  chain: string;
  output: RowOutput;
  /** Leaves every row to saxes: what the fast path is measured against and held equal to. */
  onlySaxes?: boolean;
}

/** What is known of a file once it was read. */
export type FileSummary = Omit<FileTotals, "batchCount" | "rowsRejected">;

/** Text that is looked at before the first byte of XML is taken for one. */
const HEAD_CHARS = 1024;

/** One file on its way through unwrapping, decoding and reading; rows go to the output as they are found. */
export class FileReading {
  readonly problems = new Problems();
  readonly #options: ReadingOptions;
  readonly #unknownTags = new UnknownTags();
  readonly #seenCodes = new SeenCodes();
  readonly #rows: RowReader;
  readonly #document: DocumentReader;
  #container: ContainerFacts | null = null;
  #encoding: EncodingFacts | null = null;

  constructor(options: ReadingOptions) {
    this.#options = options;
    const context = {
      masters: new MasterKeys(options.chain),
      dates: new DateReader(),
      units: new UnitReader(),
      problems: this.problems,
      unknownTags: this.#unknownTags,
      seenCodes: this.#seenCodes,
    };
    this.#rows = new RowReader(options.kind, context, options.output, options.onlySaxes);
    this.#document = new DocumentReader(options.kind, this.#rows, this.problems);
    this.#rows.attach(this.#document.outline);
  }

  get header(): Readonly<Record<string, string>> {
    return this.#document.outline.header;
  }

  get kind(): Kind | null {
    return this.#rows.kind;
  }

  /**
   * Reads the file; yields after every chunk, so that the caller sets the pace. @throws {UnreadableFileError}
   */
  async *run(source: AsyncIterable<Uint8Array>): AsyncGenerator<void, void, void> {
    const unwrapped = decompress(source, this.#options);
    this.#container = unwrapped.facts;
    const decoded = decode(unwrapped.bytes);
    this.#encoding = decoded.facts;
    let head = "";
    let isXml = false;
    for await (const text of decoded.text) {
      if (isXml) {
        this.#document.write(text);
        yield;
        continue;
      }
      head += text;
      if (head.length < HEAD_CHARS) continue;
      this.#begin(head);
      isXml = true;
      yield;
    }
    if (!isXml) this.#begin(head);
    this.#document.end();
    this.#rows.end(this.#document.damage !== null || unwrapped.facts.damage !== null);
    this.#refuseForeign();
    yield;
  }

  /** False for zero bytes, or blanks only: not even an empty list. */
  get hasContent(): boolean {
    return this.#document.outline.root !== null;
  }

  /** Everything but the counts that the batches know. */
  summary(): FileSummary {
    const { outline } = this.#document;
    const damage = [this.#container?.damage, this.#document.damage].filter(
      (text) => text !== null && text !== undefined,
    );
    const { rowsRead } = this.#rows;
    const claimed = outline.rowsClaimed;
    const isShort = claimed !== null && claimed > rowsRead;
    if (isShort) damage.push(`${claimed} rows are claimed, ${rowsRead} are there`);
    const replaced = this.#encoding?.replaced ?? 0;
    const problems = [...damage, ...(this.#container?.problems ?? []), ...(this.#encoding?.problems ?? [])];
    if (replaced > 0) problems.push(`${replaced} invalid bytes were replaced`);
    if (claimed !== null && claimed < rowsRead) problems.push(`${claimed} rows are claimed, but ${rowsRead} are there`);
    // Flat promotions have a row per item: the code of the promotion repeats by design.
    const rowsRepeated = this.#rows.dialect?.flatPromotions === true ? 0 : this.#seenCodes.repeated;
    if (rowsRepeated > 0) problems.push(`${rowsRepeated} rows repeat a code of the same file: the last update counts`);
    return {
      rowsClaimed: claimed,
      rowsRead,
      rowsRepeated,
      complete: damage.length === 0,
      dialect: this.#rows.dialect?.id ?? "unknown",
      encoding: this.#encoding?.encoding ?? "utf-8",
      container: this.#container?.container ?? "empty",
      header: { ...outline.header },
      unknownTags: this.#countedTags(outline.unknown),
      problems: [...problems, ...this.problems.list()],
    };
  }

  #countedTags(outside: ReadonlyMap<string, number>): Record<string, number> {
    const counts = new Map(outside);
    for (const [tag, count] of this.#unknownTags.counts) counts.set(tag, (counts.get(tag) ?? 0) + count);
    return Object.fromEntries(counts);
  }

  #begin(head: string): void {
    const text = head.replace(/^[^<{[\p{L}\p{N}]+/u, "");
    if (text.length === 0) return;
    if (!text.startsWith("<") || /^<(?:!doctype|html|head|body|\?xml)/i.test(text))
      refuseErrorPage(text.slice(0, HEAD_CHARS));
    this.#document.write(text);
  }

  /** XML without a row, list or header that any dialect knows is somebody else's: an error message of the portal, for instance. */
  #refuseForeign(): void {
    const { root, names } = this.#document.outline;
    const damage = this.#container?.damage;
    if (root === null && damage) throw new UnreadableFileError(`nothing in it can be read: ${damage}`);
    if (root === null || this.#rows.rowsRead > 0 || this.#rows.dialect !== null) return;
    const known = ["root", "chain", "store", "prices", "promos", "promotions"].includes(root.name);
    const hasHeader = [...names].some((name) => name.toLowerCase() === "chainid");
    if (known || hasHeader) return;
    throw new UnreadableFileError(
      `XML, but not of a price, promotion or store file: its root is <${root.tag.slice(0, 60)}>`,
    );
  }
}
