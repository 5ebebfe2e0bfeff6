import { v5 as uuidv5 } from "uuid";
import { PermanentError } from "../errors.ts";
import { israelDay, israelLocalToIso, utcStamp } from "../israel-time.ts";

export const FILE_TYPES = ["price", "price-full", "promo", "promo-full", "stores"] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** Namespace of every id derived here (RFC 9562, version 5): the same names give the same ids in every process. */
const NAMESPACE = "6f2b7d0e-52f1-5e0c-9d5b-0a4b7c1e6a11";

const TYPE_BY_WORD: Record<string, FileType> = {
  price: "price",
  pricefull: "price-full",
  promo: "promo",
  promofull: "promo-full",
  store: "stores",
  stores: "stores",
  storefull: "stores",
  storesfull: "stores",
};

/** What a published file name says. Ids are kept as published, leading zeros included. */
export interface FileNameParts {
  fileType: FileType;
  chainId: string;
  subChainId: string | null;
  storeId: string | null;
  /** ISO 8601 with Israel's offset. */
  publishedAt: string;
  /** Trailing sequence of the matrix family; 0 where there is none. */
  sequence: number;
}

/** The name does not follow any form that a chain is known to use. */
export class InvalidFileNameError extends PermanentError {}

/**
 * Reads a published file name: `[NULL]<type><chain id>-<segments>` after directories, query and extensions are removed.
 * One segment is a stamp; two are store (may be empty) and stamp; three add a sequence; four are sub-chain, store, date
 * and time; five add a sequence. Covers every form seen in the field.
 * @throws {InvalidFileNameError}
 */
export function parseFileName(name: string): FileNameParts {
  const stem = fileStem(name);
  const match = /^(?:NULL)?([a-z]+)(\d+)-(.*)$/i.exec(stem);
  const fileType = TYPE_BY_WORD[match?.[1]?.toLowerCase() ?? ""];
  if (!match?.[2] || match[3] === undefined || !fileType) {
    throw new InvalidFileNameError(`"${name}" is not a price, promotion or store file name`, {
      hint: "expected for example PriceFull7290000000001-001-202608140300.gz",
    });
  }
  const segments = match[3].split("-");
  const { subChainId, storeId, stamp, sequence } = readSegments(name, segments);
  return { fileType, chainId: match[2], subChainId, storeId, publishedAt: stampToIso(name, stamp), sequence };
}

/** The last path segment without query and without any trailing `.gz`, `.xml`, `.zip` or `.aspx`. */
export function fileStem(name: string): string {
  const base = name.replace(/[?#].*$/s, "").replace(/^.*[/\\]/s, "");
  return base.replace(/(?:\.(?:gz|xml|zip|aspx))+$/i, "");
}

function readSegments(name: string, segments: string[]) {
  const [first = "", second = "", third = "", fourth = "", fifth] = segments;
  switch (segments.length) {
    case 1:
      return { subChainId: null, storeId: null, stamp: first, sequence: 0 };
    case 2:
      return { subChainId: null, storeId: first || null, stamp: second, sequence: 0 };
    case 3:
      return { subChainId: null, storeId: first || null, stamp: second, sequence: readSequence(name, third) };
    case 4:
    case 5:
      return {
        subChainId: first || null,
        storeId: second || null,
        stamp: third + fourth,
        sequence: fifth === undefined ? 0 : readSequence(name, fifth),
      };
    default:
      throw new InvalidFileNameError(`"${name}" has ${segments.length} parts after the chain id; 1 to 5 are known`);
  }
}

function readSequence(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new InvalidFileNameError(`"${name}" has no sequence number where one belongs: "${text}"`);
  return Number(text);
}

function stampToIso(name: string, stamp: string): string {
  const match = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$/.exec(stamp);
  const iso =
    match &&
    israelLocalToIso({
      year: Number(match[1]),
      month: Number(match[2]),
      day: Number(match[3]),
      hour: Number(match[4] ?? 0),
      minute: Number(match[5] ?? 0),
      second: Number(match[6] ?? 0),
    });
  if (!iso) throw new InvalidFileNameError(`"${name}" carries no valid time: "${stamp}"`);
  return iso;
}

/** Store and sub-chain codes compare without leading zeros (`083` in a name is `83` inside the file). */
export function comparableCode(code: string): string {
  return code.replace(/^0+(?=.)/, "");
}

/** Deterministic id of one published file. The revision rises when a known name comes with other bytes. */
export function fileIdOf(chain: string, fileName: string, revision: number): string {
  return uuidv5(`file\n${chain}\n${fileName}\n${revision}`, NAMESPACE);
}

/**
 * Orders all that is known of a store, as plain text in the C collation: published time, a full file before a delta of the same
 * moment, sequence, revision, file id.
 */
export function fileVersionOf(file: {
  publishedAt: string;
  fileType: FileType;
  sequence: number;
  revision: number;
  fileId: string;
}): string {
  const delta = file.fileType === "price" || file.fileType === "promo" ? 1 : 0;
  const sequence = String(file.sequence).padStart(6, "0");
  const revision = String(file.revision).padStart(3, "0");
  return `${utcStamp(file.publishedAt)}-${delta}-${sequence}-${revision}-${file.fileId.replaceAll("-", "").slice(0, 16)}`;
}

/** Idempotency key of a batch: the same bytes read by the same parser version give the same batches. */
export function batchIdOf(fileId: string, sha256: string, parserVersion: number, batchIndex: number): string {
  return uuidv5(`batch\n${fileId}\n${sha256}\n${parserVersion}\n${batchIndex}`, NAMESPACE);
}

/** `<chain>/<yyyy-mm-dd published, Israel>/<fileName>[.r<revision>]`: the object key in every store. */
export function objectKeyOf(file: { chain: string; publishedAt: string; fileName: string; revision: number }): string {
  const suffix = file.revision > 0 ? `.r${file.revision}` : "";
  return `${file.chain}/${israelDay(file.publishedAt)}/${file.fileName}${suffix}`;
}

/** Message key: one store's files stay on one partition. */
export function messageKeyOf(file: { chain: string; chainId: string; storeId: string | null }): string {
  return `${file.chain}:${file.chainId}:${file.storeId === null ? "-" : comparableCode(file.storeId)}`;
}

/** A published name that is safe as one path segment of an object key. */
export function isSafeFileName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name) && !name.includes("..");
}
