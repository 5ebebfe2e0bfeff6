import { createHash, randomUUID } from "node:crypto";
import { open, readdir, readFile, rm, stat, statfs, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { PermanentError, RetryableError, errorMessage } from "../errors.ts";
import { makeDirectory, renameDurably } from "./durable-files.ts";
import { encodeMetadata } from "./metadata.ts";
import type { ListedObject, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";
import { assertSafeKey, objectUriOf, ObjectNotFoundError } from "./object-uri.ts";
import { parseSidecar, sidecarEntryOf, type SidecarEntry, type FileIdentity } from "./sidecar.ts";

/** Sidecars and drafts live below this name inside a bucket; no key may begin with it. */
const RESERVED = ".gogobe";
const COPY_CHUNK_BYTES = 1 << 20;
const READ_CHUNK_BYTES = 1 << 18;
const ABANDONED_AFTER_MS = 3_600_000;
/** Objects looked at together while listing. */
const LIST_CHUNK = 64;

/**
 * Objects as plain files: `<directory>/<bucket>/<key>`, with content type and metadata in a sidecar below `.gogobe`. A put
 * prepares both under other names, then renames the sidecar and last the file, so an object appears or changes in one step. Meanwhile
 * the sidecar describes the old and the new file; size and time of the file say which.
 */
export class DirectoryStore implements ObjectStore {
  readonly bucket: string;
  readonly #root: string;
  readonly #minFreeBytes: number;
  /** The last put of every key that is being written: puts of one key take turns, so file and sidecar stay a pair. */
  readonly #writing = new Map<string, Promise<unknown>>();

  readonly #abandonedAfterMs: number;

  /** @param options.abandonedAfterMs drafts that nobody wrote to for so long are left over from a killed process */
  constructor(options: { directory: string; bucket: string; minFreeBytes: number; abandonedAfterMs?: number }) {
    this.bucket = options.bucket;
    this.#root = join(options.directory, options.bucket);
    this.#minFreeBytes = options.minFreeBytes;
    this.#abandonedAfterMs = options.abandonedAfterMs ?? ABANDONED_AFTER_MS;
  }

  async putFile(key: string, path: string, options: PutOptions): Promise<StoredObject> {
    const before = this.#writing.get(key) ?? Promise.resolve();
    const put = before.catch(() => undefined).then(() => this.#put(key, path, options));
    this.#writing.set(key, put);
    try {
      return await put;
    } finally {
      if (this.#writing.get(key) === put) this.#writing.delete(key);
    }
  }

  async #put(key: string, path: string, options: PutOptions): Promise<StoredObject> {
    const target = this.#fileOf(key);
    encodeMetadata(key, options.metadata);
    const { size } = await stat(path);
    await this.#assertSpace(key, size);
    const draft = join(this.#root, RESERVED, "drafts", randomUUID());
    try {
      await makeDirectory(dirname(draft));
      const previous = await this.#describe(key);
      const modified = nextTime(previous);
      const sizeBytes = await copyChecked(path, draft, { key, sha256: options.sha256, modified });
      const { contentType, sha256, metadata } = options;
      const entry: SidecarEntry = { sizeBytes, modified, sha256, contentType, metadata };
      await this.#writeSidecar(key, draft, previous === null ? [entry] : [entry, previous]);
      await makeDirectory(dirname(target));
      await renameDurably(draft, target);
      return this.#objectOf(key, entry);
    } catch (error) {
      throw explain(error, key);
    } finally {
      await rm(draft, { force: true });
      await rm(`${draft}.json`, { force: true });
    }
  }

  async head(key: string): Promise<StoredObject | null> {
    const entry = await this.#describe(key);
    return entry === null ? null : this.#objectOf(key, entry);
  }

  async get(key: string, signal?: AbortSignal): Promise<{ object: StoredObject; body: Readable }> {
    signal?.throwIfAborted();
    const file = await open(this.#fileOf(key), "r").catch((error: unknown) => {
      throw isMissing(error) ? notFound(this.bucket, key) : explain(error, key);
    });
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw notFound(this.bucket, key);
      const entry = await this.#entryOf(key, { sizeBytes: stats.size, modified: seconds(stats.mtimeMs) });
      const body = file.createReadStream({ highWaterMark: READ_CHUNK_BYTES, ...(signal ? { signal } : {}) });
      return { object: this.#objectOf(key, entry), body };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    const directory = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    if (directory !== "") assertSafeKey(directory.slice(0, -1));
    yield* this.#listDirectory(directory, prefix);
  }

  async delete(key: string): Promise<void> {
    const file = this.#fileOf(key);
    await rm(file, { force: true }).catch((error: unknown) => {
      if (!isMissing(error)) throw explain(error, key);
    });
    await rm(this.#sidecarOf(key), { force: true });
  }

  async ensureBucket(): Promise<void> {
    await makeDirectory(this.#root);
    await this.#removeAbandonedDrafts();
  }

  async ping(): Promise<void> {
    await stat(this.#root);
  }

  async close(): Promise<void> {}

  #fileOf(key: string): string {
    assertSafeKey(key);
    if (key === RESERVED || key.startsWith(`${RESERVED}/`)) {
      throw new PermanentError(`object key "${key}" is refused: "${RESERVED}" belongs to the store itself`);
    }
    return join(this.#root, key);
  }

  #sidecarOf(key: string): string {
    return join(this.#root, RESERVED, "metadata", `${key}.json`);
  }

  #objectOf(key: string, entry: SidecarEntry): StoredObject {
    return {
      key,
      uri: objectUriOf(this.bucket, key),
      sizeBytes: entry.sizeBytes,
      etag: entry.sha256 ?? `${entry.modified.toString(16)}-${entry.sizeBytes.toString(16)}`,
      contentType: entry.contentType,
      metadata: entry.metadata,
    };
  }

  /** What is stored under a key now; null when nothing is. */
  async #describe(key: string): Promise<SidecarEntry | null> {
    const stats = await stat(this.#fileOf(key)).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw explain(error, key);
    });
    if (stats === null || !stats.isFile()) return null;
    return await this.#entryOf(key, { sizeBytes: stats.size, modified: seconds(stats.mtimeMs) });
  }

  async #entryOf(key: string, file: FileIdentity): Promise<SidecarEntry> {
    const text = await readFile(this.#sidecarOf(key), "utf8").catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw explain(error, key);
    });
    return sidecarEntryOf(text === null ? [] : parseSidecar(text), file);
  }

  async #writeSidecar(key: string, draft: string, versions: SidecarEntry[]): Promise<void> {
    const target = this.#sidecarOf(key);
    const file = await open(`${draft}.json`, "wx");
    try {
      await file.writeFile(JSON.stringify({ versions }));
      await file.sync();
    } finally {
      await file.close();
    }
    await makeDirectory(dirname(target));
    await renameDurably(`${draft}.json`, target);
  }

  /** One directory is read at a time. S3 orders whole keys, so a directory sorts as its name with the slash. */
  async *#listDirectory(directory: string, prefix: string): AsyncGenerator<ListedObject> {
    const entries = await readdir(join(this.#root, directory), { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw explain(error, directory);
    });
    const names: string[] = [];
    for (const entry of entries) {
      const name = directory + entry.name + (entry.isDirectory() ? "/" : "");
      const wanted = name.startsWith(prefix) || (entry.isDirectory() && prefix.startsWith(name));
      if (wanted && name !== `${RESERVED}/`) names.push(name);
    }
    names.sort(byBytes);
    let files: string[] = [];
    for (const name of names) {
      if (!name.endsWith("/")) files.push(name);
      if (name.endsWith("/") || files.length === LIST_CHUNK) {
        yield* await this.#listed(files);
        files = [];
      }
      if (name.endsWith("/")) yield* this.#listDirectory(name, prefix);
    }
    yield* await this.#listed(files);
  }

  async #listed(keys: string[]): Promise<ListedObject[]> {
    const objects = await Promise.all(keys.map((key) => this.head(key)));
    return objects.flatMap((object) =>
      object === null ? [] : { key: object.key, uri: object.uri, sizeBytes: object.sizeBytes, etag: object.etag },
    );
  }

  async #assertSpace(key: string, sizeBytes: number): Promise<void> {
    await makeDirectory(this.#root);
    const { bavail, bsize } = await statfs(this.#root);
    const left = bavail * bsize - sizeBytes;
    if (left >= this.#minFreeBytes) return;
    throw new RetryableError(
      `object ${key} is not stored: the disk of ${this.#root} would have ${megabytes(left)} left, less than the ${megabytes(this.#minFreeBytes)} kept free`,
      { hint: "free space, move GOGOBE_HOME to a larger disk, or lower GOGOBE_MIN_FREE_BYTES" },
    );
  }

  /** A put that was killed leaves drafts; one that is under way writes to its own all the time. */
  async #removeAbandonedDrafts(): Promise<void> {
    const directory = join(this.#root, RESERVED, "drafts");
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      const stats = await stat(path).catch(() => null);
      if (stats && Date.now() - stats.ctimeMs > this.#abandonedAfterMs) await rm(path, { force: true });
    }
  }
}

/** Copies a file, hashing on the way; on the disk when it resolves. Returns the size. */
async function copyChecked(
  from: string,
  to: string,
  expected: { key: string; sha256: string; modified: number },
): Promise<number> {
  const source = await open(from, "r");
  let target: FileHandle | undefined;
  try {
    target = await open(to, "wx");
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
    let size = 0;
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      await target.writeFile(chunk);
      size += bytesRead;
    }
    const found = hash.digest("hex");
    if (found !== expected.sha256) {
      throw new RetryableError(
        `object ${expected.key} is not stored: ${from} has sha256 ${found}, but ${expected.sha256} was announced`,
      );
    }
    await target.utimes(expected.modified, expected.modified);
    await target.sync();
    return size;
  } finally {
    await source.close();
    await target?.close();
  }
}

/** Whole seconds, which every file system and archive keeps; later than the file that is replaced, so that the two differ. */
function nextTime(previous: SidecarEntry | null): number {
  return Math.max(seconds(Date.now()), previous === null ? 0 : previous.modified + 1);
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

function notFound(bucket: string, key: string): ObjectNotFoundError {
  return new ObjectNotFoundError(`there is no object ${objectUriOf(bucket, key)}`);
}

function explain(error: unknown, key: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new RetryableError(`object ${key} is not stored: the disk is full`, { cause: error, hint: "free space" });
  }
  // A file stands where a directory is needed, or the other way; a name is longer than file systems take.
  if (["ENAMETOOLONG", "EISDIR", "ENOTDIR", "ENOTEMPTY", "EEXIST"].includes(code ?? "")) {
    return new PermanentError(`a directory cannot hold object ${key}: ${errorMessage(error)}`, { cause: error });
  }
  return error;
}
