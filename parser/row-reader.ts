import type { ProductRow, PromotionRow, RejectedRow, StoreRow } from "../shared/contracts/ingest-messages.ts";
import { UnreadableFileError } from "../shared/errors.ts";
import type { Dialect, Kind, Shape } from "./dialects/dialect.ts";
import { kindOfRow, pickDialect } from "./dialects/index.ts";
import { FlatRows } from "./flat-rows.ts";
import type { OpenElement, Outline } from "./outline.ts";
import { PromotionMerge } from "./promotion-merge.ts";
import { rejectedRow } from "./reject.ts";
import { deriveUnitPrice } from "./rows/derived-price.ts";
import { PriceRowBuilder } from "./rows/price-row.ts";
import { PromotionRowBuilder } from "./rows/promotion-row.ts";
import { isRejection, type RowBuilder, type RowContext } from "./rows/row-context.ts";
import { inheritStore, StoreRowBuilder } from "./rows/store-row.ts";
import type { RowSink } from "./row-sink.ts";
import { SaxRows } from "./sax-rows.ts";

export type IngestRow = ProductRow | PromotionRow | StoreRow;

/** Where finished rows go, in the order of the file. */
export interface RowOutput {
  row(row: IngestRow): void;
  rejected(row: RejectedRow): void;
}

/** Stores wait for the end of the file, since header and sub-chain may come after them; above this many they go out as they are. */
const MAX_HELD_STORES = 20_000;

/** Turns the XML of rows into rows of the file's kind, normalised. The kind follows from the name, or else from the first row. */
export class RowReader implements RowSink {
  /** Row elements met, rejected ones included. */
  rowsRead = 0;
  kind: Kind | null;
  dialect: Dialect | null = null;
  readonly #context: RowContext;
  readonly #output: RowOutput;
  readonly #merge: PromotionMerge;
  readonly #onlySaxes: boolean;
  #outline: Outline | null = null;
  #shape: Shape | null = null;
  #reader: Readers | null = null;
  #row: OpenElement | null = null;
  #list: OpenElement | null = null;
  #stores: { row: StoreRow; subChain: Readonly<Record<string, string>> }[] = [];

  constructor(kind: Kind | null, context: RowContext, output: RowOutput, onlySaxes = false) {
    this.kind = kind;
    this.#onlySaxes = onlySaxes;
    this.#context = context;
    this.#output = output;
    this.#merge = new PromotionMerge(context.problems);
  }

  /** The document's outline, which the first row needs to tell its dialect. */
  attach(outline: Outline): void {
    this.#outline = outline;
  }

  begin(row: OpenElement, list: OpenElement | null): void {
    this.#row = row;
    this.#list = list;
  }

  scan(text: string, start: number, from: number): number {
    const reader = this.#reader;
    if (reader === null || reader.flat === null || this.#row?.tag !== reader.rowTag) return -1;
    reader.builder.begin();
    const end = reader.flat.scan(text, from);
    if (end === -1) return -1;
    this.rowsRead++;
    const result = reader.builder.finish(this.rowsRead);
    if (isRejection(result)) this.#reject(result.reason, text.slice(start, end), result.code);
    else this.#emit(result);
    return end;
  }

  row(xml: string): void {
    const { builder, sax } = this.#readerFor(xml);
    this.rowsRead++;
    builder.begin();
    const malformed = sax.read(xml);
    if (malformed === null) this.#finish(builder, xml);
    else this.#reject(`malformed XML: ${malformed}`, xml, codeIn(xml, this.kind));
  }

  broken(reason: string, xml: string): void {
    this.rowsRead++;
    this.#reject(reason, xml, codeIn(xml, this.kind));
  }

  /** Gives out what waited for the end of the file, and settles the dialect of a file without rows. */
  end(isCutShort: boolean): void {
    const broken = isCutShort ? this.#merge.takeLast() : null;
    if (broken !== null) {
      const { promotionCode } = broken;
      this.#reject("the file breaks off among the rows of this promotion", JSON.stringify(broken), promotionCode);
    }
    for (const promotion of this.#merge.rest()) this.#output.row(promotion);
    this.#releaseStores();
    if (this.#shape === null) this.dialect = this.#dialectOf(new Set(), null);
  }

  #finish(builder: RowBuilder<IngestRow>, xml: string): void {
    const result = builder.finish(this.rowsRead);
    if (isRejection(result)) this.#reject(result.reason, xml, result.code);
    else this.#emit(result);
  }

  #emit(row: IngestRow): void {
    if ("storeCode" in row) this.#holdStore(row);
    else if ("promotionCode" in row) this.#emitPromotion(row);
    else this.#output.row(row);
  }

  #emitPromotion(row: PromotionRow): void {
    if (this.dialect?.flatPromotions === true) {
      for (const early of this.#merge.add(row)) this.#output.row(early);
      return;
    }
    if (this.dialect?.certainUnitPrice === true) deriveUnitPrice(row);
    this.#output.row(row);
  }

  #holdStore(row: StoreRow): void {
    this.#stores.push({ row, subChain: this.#outline?.subChain() ?? {} });
    if (this.#stores.length >= MAX_HELD_STORES) this.#releaseStores();
  }

  #releaseStores(): void {
    const header = this.#outline?.header ?? {};
    for (const { row, subChain } of this.#stores) {
      inheritStore(row, subChain, header, this.#context);
      this.#output.row(row);
    }
    this.#stores = [];
  }

  #reject(reason: string, xml: string, code: string | undefined): void {
    this.#output.rejected(rejectedRow(this.rowsRead, reason, xml, code));
  }

  /** The first whole row settles kind and dialect. */
  #readerFor(xml: string): Readers {
    if (this.#reader !== null) return this.#reader;
    const tags = tagNames(xml);
    const lower = new Set([...tags].map((tag) => tag.toLowerCase()));
    this.kind ??=
      kindOfRow(this.#list?.name ?? null, this.#row?.name ?? "") ?? (lower.has("promotionid") ? "promo" : "price");
    if (this.kind === "price" && lower.has("promotionid") && !lower.has("itemprice")) {
      throw new UnreadableFileError("named as a price file, but its rows are promotions");
    }
    this.dialect = this.#dialectOf(tags, this.#row);
    this.#reader = this.#readersOf(this.kind, this.#row?.tag ?? "");
    return this.#reader;
  }

  #dialectOf(inRow: ReadonlySet<string>, row: OpenElement | null): Dialect | null {
    const outline = this.#outline;
    if (outline === null) return null;
    const listSeen = [...outline.names].map((name) => name.toLowerCase());
    const list =
      row === null ? (listSeen.findLast((name) => LIST_NAMES.has(name)) ?? null) : (this.#list?.name ?? null);
    const shape: Omit<Shape, "kind"> = {
      root: outline.root?.name ?? null,
      list,
      row: row?.name ?? null,
      outside: outline.names,
      inRow,
    };
    if (row !== null) this.#shape = { ...shape, kind: this.kind ?? "price" };
    if (this.kind !== null) return pickDialect({ ...shape, kind: this.kind });
    for (const kind of ["price", "promo", "stores"] as const) {
      const dialect = pickDialect({ ...shape, kind });
      if (dialect === null) continue;
      this.kind = kind;
      return dialect;
    }
    return null;
  }

  #readersOf(kind: Kind, rowTag: string): Readers {
    if (kind === "promo") {
      const builder = new PromotionRowBuilder(this.#context);
      return { rowTag, builder, sax: new SaxRows(builder), flat: null };
    }
    const builder = kind === "price" ? new PriceRowBuilder(this.#context) : new StoreRowBuilder(this.#context);
    const flat = this.#onlySaxes ? null : new FlatRows(builder.slots, rowTag);
    return { rowTag, builder, sax: new SaxRows(builder), flat };
  }
}

/** How rows of the file's kind are read. Promotions are nested: no flat reader for them. */
interface Readers {
  /** The element that the flat reader knows as a row. */
  rowTag: string;
  builder: RowBuilder<IngestRow>;
  sax: SaxRows;
  flat: FlatRows | null;
}

/** Lists that tell the dialect of a file without rows. */
const LIST_NAMES = new Set(["items", "products", "details", "promotions", "sales", "stores", "branches", "newdataset"]);

const ITEM_CODE = /<(?:ItemCode|StoreId)>\s*([^<>&\s]{1,64})\s*<\//i;
const PROMOTION_CODE = /<PromotionId>\s*([^<>&\s]{1,64})\s*<\//i;

/** Names of all elements in a row, without prefix. */
function tagNames(xml: string): Set<string> {
  return new Set(Array.from(xml.matchAll(/<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)/g), (match) => match[1] ?? ""));
}

/** The item or promotion that a row which cannot be read speaks of, so that it counts as seen. */
function codeIn(xml: string, kind: Kind | null): string | undefined {
  const match = (kind === "promo" ? PROMOTION_CODE : ITEM_CODE).exec(xml);
  return match?.[1];
}
