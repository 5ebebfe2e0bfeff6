import { SaxesParser, type SaxesTagPlain } from "saxes";
import { UnreadableFileError } from "../shared/errors.ts";
import { HEADER_FIELDS, localName } from "./dialects/fields.ts";
import { shortName } from "./field-slots.ts";
import type { Problems } from "./problems.ts";

/** A price file has some seven levels; far deeper is no price file, or a way to fill memory. */
const MAX_DEPTH = 100;
const MAX_HEADER_FIELDS = 60;
const MAX_HEADER_TEXT = 500;
const MAX_OUTSIDE_NAMES = 300;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-f]{1,6});)/gi;
// oxlint-disable-next-line no-control-regex -- these characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** An element that was just opened. */
export interface OpenElement {
  /** As published. */
  tag: string;
  /** Local name in lower case. */
  name: string;
  selfClosing: boolean;
}

interface Level extends OpenElement {
  hasChildren: boolean;
  text: string;
  /** Fields of this sub-chain, where the element is one. */
  subChain: Record<string, string> | null;
}

/**
 * Reads everything outside the rows with saxes: header fields before and after the rows, lists with their `Count`, sub-chains of a
 * stores file. It is fed tag by tag, so the reader always knows where an element began. Text that saxes would stumble over for
 * longer than one tag (a raw `&`, a stray closing tag) is mended first and counted: nothing here is a row.
 */
export class Outline {
  root: OpenElement | null = null;
  rootClosed = false;
  /** Sum of the Count attributes of the lists; null when none has one. */
  rowsClaimed: number | null = null;
  readonly header: Record<string, string> = {};
  /** Element names as published, without prefix. */
  readonly names = new Set<string>();
  /** Fields that no dialect knows, by their names as published, each as often as it came with a text. */
  readonly unknown = new Map<string, number>();
  readonly #problems: Problems;
  readonly #levels: Level[] = [];
  readonly #parser: SaxesParser<{ position: false; xmlns: false }>;
  #opened: OpenElement | null = null;

  constructor(problems: Problems) {
    this.#problems = problems;
    const parser = new SaxesParser({ position: false, xmlns: false, defaultXMLVersion: "1.0", forceXMLVersion: true });
    parser.on("opentag", (tag) => this.#open(tag));
    parser.on("closetag", () => this.#close());
    parser.on("text", (text) => this.#text(text));
    parser.on("cdata", (text) => this.#text(text));
    parser.on("error", (error) => problems.note(`outside the rows: ${error.message}`));
    this.#parser = parser;
  }

  /** Takes text, or text and the one tag that follows it, and tells which element that tag opened. */
  feed(piece: string): OpenElement | null {
    this.#opened = null;
    this.#parser.write(this.#mended(piece));
    return this.#opened;
  }

  /** The innermost element that is open; `parent(1)` is the one around it. */
  parent(above = 0): OpenElement | null {
    return this.#levels.at(-1 - above) ?? null;
  }

  /** The sub-chain that the next row stands in; filled further while that element is open. */
  subChain(): Readonly<Record<string, string>> {
    return this.#levels.findLast((level) => level.subChain !== null)?.subChain ?? {};
  }

  #mended(piece: string): string {
    const closing = /<\/([^\s<>]+)\s*>$/.exec(piece)?.[1];
    if (closing !== undefined && !this.#levels.some((level) => level.tag === closing)) {
      this.#problems.note(`outside the rows: closing tag without an opening one: ${closing.slice(0, 40)}`);
      return this.#mended(piece.slice(0, piece.lastIndexOf("</")));
    }
    if (piece.search(ENTITY) === -1 && piece.search(CONTROL) === -1) return piece;
    this.#problems.note("outside the rows: a raw & or a control character");
    return piece.replace(ENTITY, "&amp;").replace(CONTROL, "");
  }

  #open(tag: SaxesTagPlain): void {
    if (this.#levels.length >= MAX_DEPTH) throw new UnreadableFileError(`elements nested more than ${MAX_DEPTH} deep`);
    const name = localName(tag.name);
    const around = this.#levels.at(-1);
    if (around) around.hasChildren = true;
    const isSubChain = name === "subchain" || around?.name === "subchains" || around?.name === "subchainsxmlobject";
    const element = { tag: tag.name, name, selfClosing: tag.isSelfClosing };
    this.root ??= element;
    if (this.names.size < MAX_OUTSIDE_NAMES) this.names.add(tag.name.slice(tag.name.lastIndexOf(":") + 1));
    for (const [attribute, value] of Object.entries(tag.attributes)) {
      if (localName(attribute) === "count" && /^\d{1,9}$/.test(value.trim())) {
        this.rowsClaimed = (this.rowsClaimed ?? 0) + Number(value);
      }
    }
    this.#levels.push({ ...element, hasChildren: false, text: "", subChain: isSubChain ? {} : null });
    this.#opened = element;
  }

  #close(): void {
    const level = this.#levels.pop();
    if (!level) return;
    if (!level.hasChildren) this.#field(level);
    if (this.#levels.length === 0) this.rootClosed = true;
  }

  /** A text of the header, or of the sub-chain around it. */
  #field(level: Level): void {
    const text = level.text.trim();
    if (text.length === 0) return;
    const target = this.#levels.findLast((around) => around.subChain !== null)?.subChain ?? this.header;
    const known = HEADER_FIELDS.get(level.name);
    const key = known ?? shortName(level.tag);
    if (known === undefined && (this.unknown.has(key) || this.unknown.size < MAX_HEADER_FIELDS)) {
      this.unknown.set(key, (this.unknown.get(key) ?? 0) + 1);
    }
    if (key in target || Object.keys(target).length >= MAX_HEADER_FIELDS) return;
    target[key] = text.slice(0, MAX_HEADER_TEXT).toWellFormed();
  }

  #text(text: string): void {
    const level = this.#levels.at(-1);
    if (level && !level.hasChildren && level.text.length < MAX_HEADER_TEXT) level.text += text;
  }
}
