import { matches } from "../crawlers/listed-file.ts";
import { comparableCode, type FileNameParts, type FileType, parseFileName } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { fileFromObjectMetadata } from "../shared/contracts/object-metadata.ts";
import { errorMessage, PermanentError, UsageError } from "../shared/errors.ts";
import type { Log } from "../shared/observability/log.ts";
import type { ListedObject, ObjectStore } from "../shared/object-store/object-store.ts";

/** Which stored files are meant: one place, or chains and days. Nothing at all means every one. */
export interface StoredSelection {
  /** `s3://bucket/key`, or the beginning of keys with or without the bucket. */
  place?: string;
  chains?: readonly string[];
  /** Israel days of publication, both inclusive. */
  since?: string;
  until?: string;
  types?: readonly FileType[];
  /** Compared without leading zeros; stores files are every store's. */
  stores?: readonly string[];
  /** Only the newest file per chain id, store and type. */
  latest?: boolean;
}

/** Objects asked for their metadata at once. */
const HEADS_AT_ONCE = 32;

/**
 * The messages of stored files, read from the objects themselves: it needs no ledger. An object that gogobe did not store is passed
 * over with a warning.
 * @throws {UsageError} for a place in another bucket
 */
export async function* storedFiles(
  store: ObjectStore,
  selection: StoredSelection,
  log: Log,
): AsyncGenerator<FileDownloaded> {
  const files = allStored(store, selection, log);
  if (!selection.latest) return yield* files;
  const newest = new Map<string, FileDownloaded>();
  for await (const file of files) {
    const store = file.storeId === null ? "-" : comparableCode(file.storeId);
    const key = [file.chain, file.chainId, store, file.fileType].join("\n");
    if (file.version > (newest.get(key)?.version ?? "")) newest.set(key, file);
  }
  yield* newest.values();
}

async function* allStored(store: ObjectStore, selection: StoredSelection, log: Log): AsyncGenerator<FileDownloaded> {
  let chunk: ListedObject[] = [];
  for (const prefix of prefixesOf(selection, store.bucket)) {
    for await (const object of store.list(prefix)) {
      if (!isMeant(object.key, selection)) continue;
      chunk.push(object);
      if (chunk.length < HEADS_AT_ONCE) continue;
      yield* await readFiles(store, chunk, log);
      chunk = [];
    }
  }
  yield* await readFiles(store, chunk, log);
}

function prefixesOf({ place, chains }: StoredSelection, bucket: string): string[] {
  if (place === undefined) return chains === undefined ? [""] : chains.map((chain) => `${chain}/`);
  const match = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(place);
  if (!match) return [place];
  if (match[1] !== bucket) {
    throw new UsageError(`${place} lies in another bucket than ${bucket}`, { hint: "S3_BUCKET names the bucket" });
  }
  return [match[2] ?? ""];
}

/** By key alone, `<chain>/<day>/<name>[.r<revision>]`: what is not meant costs no request. */
function isMeant(key: string, { since, until, types, stores }: StoredSelection): boolean {
  const [, day = "", name = ""] = key.split("/");
  if (since !== undefined && day < since) return false;
  if (until !== undefined && day > until) return false;
  if (types === undefined && stores === undefined) return true;
  const parts = partsOf(name);
  const filter = { ...(types === undefined ? {} : { types }), ...(stores === undefined ? {} : { stores }) };
  return parts !== null && matches(parts, filter);
}

function partsOf(name: string): FileNameParts | null {
  try {
    return parseFileName(name.replace(/\.r\d+$/, ""));
  } catch {
    return null;
  }
}

async function readFiles(store: ObjectStore, objects: readonly ListedObject[], log: Log): Promise<FileDownloaded[]> {
  const files = await Promise.all(objects.map((object) => readFile(store, object, log)));
  return files.filter((file) => file !== null);
}

async function readFile(store: ObjectStore, { key, uri }: ListedObject, log: Log): Promise<FileDownloaded | null> {
  try {
    const object = await store.head(key);
    return object && fileFromObjectMetadata(object.metadata, object);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    log.warn({ object: uri }, `passed over: ${errorMessage(error)}`);
    return null;
  }
}
