import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { callbackify } from "node:util";
import { RetryableError } from "../shared/errors.ts";
import { BodyTooLargeError } from "../shared/net/net-errors.ts";

/** Bytes written between two looks at the free space. */
const SPACE_CHECK_BYTES = 64 * 1024 * 1024;

/** The disk is nearly full. Passes when somebody makes room. */
export class DiskFullError extends RetryableError {}

export interface FileLimits {
  /** For messages. */
  fileName: string;
  maxBytes: number;
  minFreeBytes: number;
}

/**
 * Receives one try of a download into a file, emptied first: hashed and counted on the way, never whole in memory. Resolves when the
 * bytes are written; the file is closed in any case.
 * @param expectedBytes as announced, 0 when unknown
 * @param send writes everything into the sink it is given
 * @throws {BodyTooLargeError | DiskFullError} also before the first byte, when what is announced does not fit
 */
export async function receiveFile(
  path: string,
  expectedBytes: number,
  limits: FileLimits,
  send: (sink: Writable) => Promise<void>,
): Promise<{ sha256: string; sizeBytes: number }> {
  assertSize(expectedBytes, limits);
  await assertSpace(path, expectedBytes, limits);
  const meter = createMeter(path, limits);
  const [sent, written] = await Promise.allSettled([
    send(meter.through),
    pipeline(meter.through, createWriteStream(path, { flags: "w" })),
  ]);
  // A full disk also ends the transfer: that is not the portal's failure.
  if (written.status === "rejected" && isFileError(written.reason)) {
    throw new DiskFullError(`${limits.fileName} cannot be written to the cache (${written.reason.code})`, {
      cause: written.reason,
      hint: "check the disk of GOGOBE_CACHE_DIR",
    });
  }
  if (sent.status === "rejected") throw sent.reason;
  if (written.status === "rejected") throw written.reason;
  return meter.facts();
}

function createMeter(path: string, limits: FileLimits) {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let checkAt = SPACE_CHECK_BYTES;
  const checkSpace = callbackify(() => assertSpace(path, 0, limits));
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      try {
        assertSize(sizeBytes, limits);
      } catch (error) {
        return done(error as Error);
      }
      hash.update(chunk);
      if (sizeBytes < checkAt) return done(null, chunk);
      checkAt += SPACE_CHECK_BYTES;
      return checkSpace((error) => done(error, chunk));
    },
  });
  return { through, facts: () => ({ sha256: hash.digest("hex"), sizeBytes }) };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO", "ENOENT"].includes(String(error.code));
}

function assertSize(bytes: number, limits: FileLimits): void {
  if (bytes <= limits.maxBytes) return;
  throw new BodyTooLargeError(`${limits.fileName} is larger than ${limits.maxBytes} bytes`, {
    hint: "GOGOBE_MAX_FILE_BYTES raises the limit",
  });
}

async function assertSpace(path: string, bytes: number, limits: FileLimits): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize - bytes >= limits.minFreeBytes) return;
  throw new DiskFullError(`no room for ${limits.fileName}: the disk would have less than ${limits.minFreeBytes} left`, {
    hint: "make room, or set GOGOBE_CACHE_DIR to another disk",
  });
}
