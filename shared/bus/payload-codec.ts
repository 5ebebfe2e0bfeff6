import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { PermanentError } from "../errors.ts";
import { MAX_MESSAGE_BYTES } from "../contracts/topics.ts";
import type { OutgoingMessage } from "./bus.ts";

/** A message value as it is stored in the embedded queue. */
export interface PackedPayload {
  body: Buffer;
  packed: boolean;
  /** Size of the JSON. */
  bytes: number;
}

/** Below this, compressing costs more than it saves. */
const PACK_FROM_BYTES = 1_024;
/** Level 1: a 156 KB batch takes well under a millisecond and shrinks about eightfold, so the database writes that much less. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * The value of a message as UTF-8 JSON.
 * @throws {PermanentError} over MAX_MESSAGE_BYTES, naming topic and key
 */
export function encodeValue(topic: string, message: OutgoingMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message.value) ?? "null");
  if (json.length > MAX_MESSAGE_BYTES) {
    throw new PermanentError(
      `a message of ${json.length} bytes for ${topic}, key ${message.key}, is over the limit of ${MAX_MESSAGE_BYTES}`,
      { hint: "split it before it is published" },
    );
  }
  return json;
}

export function packValue(json: Buffer): PackedPayload {
  if (json.length < PACK_FROM_BYTES) return { body: json, packed: false, bytes: json.length };
  return { body: zstdCompressSync(json, LEVEL), packed: true, bytes: json.length };
}

/**
 * @throws {PermanentError} when the stored bytes are not JSON
 */
export function unpackValue(body: Buffer, packed: boolean): unknown {
  return parseValue(packed ? zstdDecompressSync(body) : body);
}

/**
 * @throws {PermanentError} when the bytes are not JSON
 */
export function parseValue(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString("utf8"));
  } catch (cause) {
    throw new PermanentError(`a message value is not JSON: ${String(cause)}`, { cause });
  }
}
