import type { Readable } from "node:stream";

/** A stored object. `metadata` has the same keys in every store; values are any text. */
export interface StoredObject {
  key: string;
  /** `s3://<bucket>/<key>` in every store, so that messages and the ledger do not care which. */
  uri: string;
  sizeBytes: number;
  etag: string;
  contentType: string;
  metadata: Record<string, string>;
}

/** A listed object; metadata needs `head`. */
export interface ListedObject {
  key: string;
  uri: string;
  sizeBytes: number;
  etag: string;
}

export interface PutOptions {
  contentType: string;
  /** Of the file's bytes, hexadecimal. */
  sha256: string;
  /** Names of a-z, 0-9 and "-" (S3 lowers the case of others); values of any text; 2 KB in all, a Hebrew letter counting six bytes. */
  metadata: Record<string, string>;
}

/** Keeps every downloaded file for ever, under keys of `objectKeyOf`. All implementations pass one contract suite. */
export interface ObjectStore {
  readonly bucket: string;
  /** Stores a local file: all of it or nothing. An existing object of that key is replaced. `sha256` is verified by the store. */
  putFile(key: string, path: string, options: PutOptions): Promise<StoredObject>;
  /** Null when there is no such object. */
  head(key: string): Promise<StoredObject | null>;
  /** @throws {ObjectNotFoundError} */
  get(key: string, signal?: AbortSignal): Promise<{ object: StoredObject; body: Readable }>;
  /** All keys below a prefix, in ascending byte order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  delete(key: string): Promise<void>;
  /** Creates the bucket when it is missing. */
  ensureBucket(): Promise<void>;
  /** Cheap round trip for readiness probes. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
