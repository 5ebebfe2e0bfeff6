import { createHash } from "node:crypto";
import { batchIdOf, fileIdOf, fileVersionOf, parseFileName } from "../../../shared/contracts/file-identity.ts";
import type {
  FileTotals,
  IngestMessage,
  ProductRow,
  PromotionItem,
  PromotionRow,
  RejectedRow,
  StoreRow,
} from "../../../shared/contracts/ingest-messages.ts";
import { SCHEMA_VERSION, type FileIdentity } from "../../../shared/contracts/file-messages.ts";

export const CHAIN = "testmart";
export const CHAIN_ID = "7290000000001";

/** An invented file: everything but its rows follows from its name. */
export interface TestFile<Row> {
  name: string;
  rows?: Row[];
  rejected?: RejectedRow[];
  complete?: boolean;
  chain?: string;
  parserVersion?: number;
  revision?: number;
  /** Rows per batch. */
  batchRows?: number;
}

export function identityOf(name: string, chain = CHAIN, revision = 0): FileIdentity {
  const parts = parseFileName(name);
  const fileId = fileIdOf(chain, name, revision);
  return {
    schemaVersion: SCHEMA_VERSION,
    fileId,
    chain,
    chainId: parts.chainId,
    subChainId: parts.subChainId,
    storeId: parts.storeId,
    portal: "local",
    fileName: name,
    fileType: parts.fileType,
    publishedAt: parts.publishedAt,
    version: fileVersionOf({ ...parts, revision, fileId }),
    revision,
  };
}

/** The ingest messages of a file, as the parser would send them. */
export function messagesOf(file: TestFile<ProductRow | PromotionRow | StoreRow>): IngestMessage[] {
  const identity = identityOf(file.name, file.chain, file.revision);
  const rows = file.rows ?? [];
  const rejected = file.rejected ?? [];
  const parserVersion = file.parserVersion ?? 1;
  const sha256 = createHash("sha256").update(file.name).digest("hex");
  const size = file.batchRows ?? 500;
  const batchCount = Math.max(1, Math.ceil(rows.length / size));
  return Array.from({ length: batchCount }, (_, batchIndex) => {
    const isLast = batchIndex === batchCount - 1;
    const message = {
      ...identity,
      batch_id: batchIdOf(identity.fileId, sha256, parserVersion, batchIndex),
      batchIndex,
      isLast,
      parserVersion,
      sha256,
      objectUri: `s3://gogobe-raw/${identity.chain}/${identity.fileName}`,
      rejected: isLast ? rejected : [],
      items: rows.slice(batchIndex * size, (batchIndex + 1) * size),
      ...(isLast ? { totals: totalsOf(batchCount, rows.length, rejected.length, file.complete ?? true) } : {}),
    };
    return message as IngestMessage;
  });
}

function totalsOf(batchCount: number, rows: number, rejected: number, complete: boolean): FileTotals {
  return {
    batchCount,
    rowsClaimed: null,
    rowsRead: rows + rejected,
    rowsRejected: rejected,
    complete,
    dialect: "std-root",
    encoding: "utf-8",
    container: "gzip",
    header: {},
    unknownTags: {},
    problems: [],
  };
}

/** `PriceFull7290000000001-001-202608140300.gz` from short parts. */
export function fileName(type: string, store: string, stamp: string): string {
  return `${type}${CHAIN_ID}-${store}-${stamp}.gz`;
}

export function masterTag(code: string, chain = CHAIN) {
  const gtin = /^\d{13}$/.test(code) ? `0${code}` : undefined;
  const key = gtin ? `gtin:${gtin}` : `own:${chain}:${code}`;
  const own = Number.parseInt(createHash("sha256").update(key).digest("hex").slice(0, 12), 16);
  return {
    ean: code,
    ...(gtin ? { gtin } : {}),
    master_id: gtin ? Number(gtin) : 10 ** 14 + own,
    master_key: key,
    master_method: gtin ? ("barcode" as const) : ("own" as const),
    master_confidence: 1,
  };
}

export function product(code: string, price: string, line: number, more: Partial<ProductRow> = {}): ProductRow {
  return { ...masterTag(code), line, price, name: `item ${code}`, ...more };
}

export function promotion(code: string, line: number, more: Partial<PromotionRow> = {}): PromotionRow {
  return {
    line,
    promotionCode: code,
    description: `offer ${code}`,
    remarks: [],
    clubs: ["0"],
    groups: [],
    items: [],
    ...more,
  };
}

export function link(code: string, more: Partial<PromotionItem> = {}): PromotionItem {
  return { ...masterTag(code), isGift: false, ...more };
}
