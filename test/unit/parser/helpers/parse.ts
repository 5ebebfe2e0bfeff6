import { hash } from "node:crypto";
import { fileIdOf, fileVersionOf, parseFileName } from "../../../../shared/contracts/file-identity.ts";
import { type FileDownloaded, fileDownloaded } from "../../../../shared/contracts/file-messages.ts";
import type {
  FileTotals,
  IngestMessage,
  ProductRow,
  PromotionRow,
  RejectedRow,
  StoreRow,
} from "../../../../shared/contracts/ingest-messages.ts";
import { parseFile } from "../../../../parser/parse-file.ts";

/** All that came of one file. */
export interface Parsed {
  messages: IngestMessage[];
  totals: FileTotals;
  rejected: RejectedRow[];
}

export interface ParseInput {
  fileName?: string;
  chain?: string;
  maxExpandedBytes?: number;
  /** Sizes in which the bytes arrive; default 64 KiB. */
  chunkBytes?: number;
}

/** The message that the downloader would publish for these bytes. */
export function downloadedFile(bytes: Uint8Array, fileName: string, chain = "probe"): FileDownloaded {
  const { sequence, ...parts } = parseFileName(fileName);
  const fileId = fileIdOf(chain, fileName, 0);
  return fileDownloaded.parse({
    ...parts,
    schemaVersion: 1,
    fileId,
    chain,
    portal: "local",
    fileName,
    revision: 0,
    version: fileVersionOf({ ...parts, sequence, revision: 0, fileId }),
    s3_path: `s3://gogobe-raw/${chain}/2026-01-02/${fileName}`,
    sha256: hash("sha256", bytes),
    sizeBytes: bytes.length,
    contentType: "application/octet-stream",
    etag: "etag",
    downloadedAt: "2026-01-02T03:04:05+02:00",
    sourceUrl: "https://portal.example/",
  });
}

export async function* chunksOf(bytes: Uint8Array, chunkBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** Parses bytes to the end. Throws what the parser throws. */
export async function parseBytes(bytes: Uint8Array, input: ParseInput = {}): Promise<Parsed> {
  const file = downloadedFile(bytes, input.fileName ?? "PriceFull7290000000001-001-202601020300.gz", input.chain);
  const options = { maxExpandedBytes: input.maxExpandedBytes ?? 256 * 1024 * 1024 };
  const messages: IngestMessage[] = [];
  for await (const message of parseFile(chunksOf(bytes, input.chunkBytes), file, options)) messages.push(message);
  const totals = messages.at(-1)?.totals;
  if (!totals) throw new Error("the last message carries no totals");
  return { messages, totals, rejected: messages.flatMap((message) => message.rejected) };
}

export function parseText(xml: string, input: ParseInput = {}): Promise<Parsed> {
  return parseBytes(Buffer.from(xml), input);
}

export const productsOf = (parsed: Parsed) => parsed.messages.flatMap((message) => message.items as ProductRow[]);
export const promotionsOf = (parsed: Parsed) => parsed.messages.flatMap((message) => message.items as PromotionRow[]);
export const storesOf = (parsed: Parsed) => parsed.messages.flatMap((message) => message.items as StoreRow[]);

/** Exact sum of decimal texts, with two decimals or more. */
export function sumOf(decimals: Iterable<string | undefined>): string {
  let sum = 0n;
  for (const decimal of decimals) if (decimal !== undefined) sum += scaled(decimal);
  const sign = sum < 0n ? "-" : "";
  const digits = (sum < 0n ? -sum : sum).toString().padStart(7, "0");
  return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/0{1,4}$/, "");
}

function scaled(decimal: string): bigint {
  const [integer = "0", fraction = ""] = decimal.split(".");
  return BigInt(integer + fraction.padEnd(6, "0"));
}
