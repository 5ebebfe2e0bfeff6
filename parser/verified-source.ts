import { createHash, hash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, normalize, resolve, sep } from "node:path";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { PermanentError, RetryableError } from "../shared/errors.ts";
import { parseObjectUri } from "../shared/object-store/object-uri.ts";
import type { ObjectStore } from "../shared/object-store/object-store.ts";

/** Files up to this size are read once, into memory; larger ones are hashed on disk before they are read. */
const IN_MEMORY_BYTES = 32 * 1024 * 1024;
const READ_CHUNK_BYTES = 256 * 1024;

/** The bytes that `file.sha256` names. `dispose` removes what was spooled. */
export interface VerifiedSource {
  bytes: AsyncIterable<Uint8Array>;
  dispose(): Promise<void>;
}

/**
 * Opens a downloaded file: the local copy when it lies in the cache directory and its hash agrees, else the object. The hash is
 * checked before the first byte is parsed, since batches carry it in their ids: what is published can not be taken back.
 * @throws {PermanentError} an object address that could point outside its bucket, a local path that no downloader can have named
 * @throws {RetryableError} when the object comes with other bytes than the message says
 */
export async function openVerified(
  file: FileDownloaded,
  store: ObjectStore,
  cacheDir: string,
  signal: AbortSignal,
): Promise<VerifiedSource> {
  const { bucket, key } = parseObjectUri(file.s3_path);
  if (bucket !== store.bucket) {
    throw new PermanentError(`${file.s3_path} is in bucket "${bucket}", but this process uses "${store.bucket}"`, {
      hint: "set S3_BUCKET to the bucket that the downloader writes to",
    });
  }
  const local = file.local_path === undefined ? null : await openCached(file.local_path, file, cacheDir);
  return local ?? (await openObject(key, file, store, signal));
}

async function openCached(path: string, file: FileDownloaded, cacheDir: string): Promise<VerifiedSource | null> {
  assertCopyOf(path, file, cacheDir);
  try {
    const [real, root] = [await realpath(path), await realpath(cacheDir)];
    if (!real.startsWith(root + sep)) return null;
    const { size } = await stat(real);
    if (size !== file.sizeBytes) return null;
    if (size <= IN_MEMORY_BYTES) {
      const bytes = await readFile(real);
      return hash("sha256", bytes) === file.sha256 ? inMemory([bytes]) : null;
    }
    return (await hashOf(createReadStream(real, { highWaterMark: READ_CHUNK_BYTES }))) === file.sha256
      ? { bytes: createReadStream(real, { highWaterMark: READ_CHUNK_BYTES }), dispose: async () => {} }
      : null;
  } catch {
    // The cache is only a copy: whatever is wrong with it, the object has the bytes.
    return null;
  }
}

/**
 * The path must lie in our cache, or be what the downloader of another machine calls its copy: an absolute path that ends in the
 * file's id. Anything else is a forged message.
 */
function assertCopyOf(path: string, file: FileDownloaded, cacheDir: string): void {
  const isPlain = path === normalize(path) && path === resolve(path);
  if (isPlain && (path.startsWith(resolve(cacheDir) + sep) || basename(path) === file.fileId)) return;
  throw new PermanentError(`local_path "${path}" of ${file.fileName} is refused: it lies outside the cache`, {
    hint: "without a local_path the object is read: gogobe replay sends such a message",
  });
}

async function openObject(
  key: string,
  file: FileDownloaded,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<VerifiedSource> {
  const { body } = await store.get(key, signal);
  if (file.sizeBytes > IN_MEMORY_BYTES) return spool(body, file);
  const parts: Buffer[] = [];
  const digest = createHash("sha256");
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > file.sizeBytes) break;
    digest.update(chunk);
    parts.push(chunk);
  }
  assertHash(size === file.sizeBytes ? digest.digest("hex") : "another size", file);
  return inMemory(parts);
}

async function spool(body: AsyncIterable<Buffer>, file: FileDownloaded): Promise<VerifiedSource> {
  const path = join(tmpdir(), `gogobe-${randomUUID()}.object`);
  const dispose = () => rm(path, { force: true });
  const digest = createHash("sha256");
  const out = createWriteStream(path, { flags: "wx", mode: 0o600 });
  try {
    for await (const chunk of body) {
      digest.update(chunk);
      if (!out.write(chunk)) await once(out, "drain");
    }
    out.end();
    await once(out, "close");
    assertHash(digest.digest("hex"), file);
  } catch (error) {
    out.destroy();
    await dispose();
    throw error;
  }
  return { bytes: createReadStream(path, { highWaterMark: READ_CHUNK_BYTES }), dispose };
}

function assertHash(sha256: string, file: FileDownloaded): void {
  if (sha256 === file.sha256) return;
  throw new RetryableError(`${file.s3_path} has other bytes than its message says (sha256 ${file.sha256})`, {
    hint: "if it stays so, the object was replaced: gogobe files retry downloads it again",
  });
}

function inMemory(parts: readonly Buffer[]): VerifiedSource {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += READ_CHUNK_BYTES) yield part.subarray(at, at + READ_CHUNK_BYTES);
    }
  }
  return { bytes: bytes(), dispose: async () => {} };
}

async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of stream) digest.update(chunk);
  return digest.digest("hex");
}
