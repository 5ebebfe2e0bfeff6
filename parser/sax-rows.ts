import { SaxesParser } from "saxes";
import type { RowBuilder } from "./rows/row-context.ts";

/**
 * Reads one row at a time with saxes. The parser is used again from row to row (as fragments, so each row is a document of its own)
 * and thrown away after an error: malformed XML can never reach beyond the row in which it stands.
 */
export class SaxRows {
  readonly #builder: RowBuilder<unknown>;
  #parser: SaxesParser<{ position: false; fragment: true }>;
  #depth = 0;
  /** The element that was opened last, while it may still turn out to hold text only. */
  #leaf: string | null = null;
  #text = "";
  #error: string | null = null;

  constructor(builder: RowBuilder<unknown>) {
    this.#builder = builder;
    this.#parser = this.#open();
  }

  /** Feeds a whole row, its own tags included, to the builder. Returns what is wrong with its XML, or null. */
  read(row: string): string | null {
    this.#depth = 0;
    this.#leaf = null;
    this.#text = "";
    this.#error = null;
    this.#parser.write(row);
    const error = this.#error ?? (this.#depth === 0 ? null : "an element is not closed");
    if (error !== null) this.#parser = this.#open();
    return error;
  }

  #open(): SaxesParser<{ position: false; fragment: true }> {
    const parser = new SaxesParser({
      position: false,
      fragment: true,
      defaultXMLVersion: "1.0",
      forceXMLVersion: true,
    });
    parser.on("opentag", (tag) => {
      if (this.#depth++ === 0) return;
      if (this.#leaf !== null) this.#builder.enter(this.#leaf);
      this.#leaf = tag.name;
      this.#text = "";
    });
    const onText = (text: string) => {
      if (this.#leaf !== null) this.#text += text;
    };
    parser.on("text", onText);
    parser.on("cdata", onText);
    parser.on("closetag", (tag) => {
      if (--this.#depth === 0) return;
      if (this.#leaf === null) {
        this.#builder.leave(tag.name);
      } else {
        this.#builder.field(this.#leaf, this.#text);
        this.#leaf = null;
      }
    });
    parser.on("error", (error) => {
      this.#error ??= error.message;
    });
    return parser;
  }
}
