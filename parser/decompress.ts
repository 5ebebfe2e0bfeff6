import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { errorMessage, UnreadableFileError } from "../shared/errors.ts";
import { SNIFF_BYTES, sniffContainer } from "./sniff.ts";

const BLOCK_BYTES = 64 * 1024;
/** Output pieces; Node's default of 16 KiB costs more than twice the time. */
const OUTPUT_CHUNK_BYTES = 128 * 1024;
/** Input goes in by pieces this small so that a bomb (1 to 1,000) can never have more than some 16 MB waiting. */
const INPUT_PIECE_BYTES = 16 * 1024;
/** gzip in gzip, zip in gzip: deeper nesting is no price file. */
const MAX_LAYERS = 3;

export interface DecompressOptions {
  /** Largest size after decompression, in bytes. */
  maxExpandedBytes: number;
  /** Where a zip is spooled. */
  tempDir?: string;
}

/** What became known of the containers; complete once the stream has ended. */
export interface ContainerFacts {
  /** `gzip`, `zip`, `plain`, `empty`; nested ones joined from the outside: `gzip+zip`. */
  container: string;
  /** Set when the data ended early or is damaged: what came before it was salvaged. */
  damage: string | null;
  problems: string[];
}

/** The plain bytes of a file, whatever it is wrapped in. */
export interface Decompressed {
  facts: ContainerFacts;
  bytes: AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Unwraps gzip (several members too) and zip, told apart by their bytes. A cut-short gzip yields all that it holds and sets
 * `facts.damage`. @throws {UnreadableFileError} from the stream: above the size cap (named), a zip without a readable directory
 */
export function decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): Decompressed {
  const facts: ContainerFacts = { container: "", damage: null, problems: [] };
  return { facts, bytes: unwrap(inBlocks(source), options, facts, 0) };
}

/**
 * The same bytes in blocks of one size. How a network cuts them must not matter: what a damaged gzip still yields, and which bytes
 * decide on the encoding, depends on the pieces, and a file read twice must give the same batches.
 */
async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; bytes.length - at >= BLOCK_BYTES; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) yield rest;
}

async function* unwrap(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
  facts: ContainerFacts,
  layer: number,
): AsyncGenerator<Uint8Array, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  const head = await readHead(iterator);
  const container = sniffContainer(head);
  if (layer === 0 || container === "gzip" || container === "zip") {
    facts.container = facts.container === "" ? container : `${facts.container}+${container}`;
  }
  const whole = rejoin(head, iterator);
  if (container === "plain" || container === "empty") {
    yield* capped(whole, options.maxExpandedBytes);
    return;
  }
  if (layer === MAX_LAYERS) throw new UnreadableFileError(`wrapped more than ${MAX_LAYERS} times: ${facts.container}`);
  const inner = container === "gzip" ? gunzip(whole, facts) : unzip(whole, options, facts);
  yield* unwrap(capped(inner, options.maxExpandedBytes), options, facts, layer + 1);
}

async function readHead(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < SNIFF_BYTES) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    parts.push(value);
    size += value.length;
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

async function* rejoin(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

async function* capped(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array, void, void> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > maxBytes) {
      throw new UnreadableFileError(`larger than the cap of ${maxBytes} bytes after decompression`, {
        hint: "raise GOGOBE_MAX_EXPANDED_BYTES if the file is genuine",
      });
    }
    yield chunk;
  }
}

/**
 * Streams a gzip out. Data events are taken as they come, never through the readable buffer: that one is thrown away when the
 * stream fails, and with it the last rows of a file that was cut short. The next piece is decompressed while the last one is read.
 */
async function* gunzip(source: AsyncIterable<Uint8Array>, facts: ContainerFacts): AsyncGenerator<Buffer, void, void> {
  const engine = createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES });
  let ready: Buffer[] = [];
  engine.on("data", (chunk: Buffer) => ready.push(chunk));
  // The error stays readable as `engine.errored`.
  engine.on("error", () => undefined);
  const write = (piece: Uint8Array) =>
    new Promise<void>((resolve) => {
      engine.once("close", resolve);
      engine.write(piece, () => {
        engine.off("close", resolve);
        resolve();
      });
    });
  try {
    let under: Promise<void> = Promise.resolve();
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && !engine.errored; at += INPUT_PIECE_BYTES) {
        await under;
        const done = ready;
        ready = [];
        under = write(chunk.subarray(at, at + INPUT_PIECE_BYTES));
        yield* done;
      }
      if (engine.errored) break;
    }
    await under;
    if (!engine.errored) {
      const closed = once(engine, "close").catch(() => undefined);
      engine.end();
      await closed;
    }
    yield* ready;
    if (engine.errored) facts.damage = `gzip: ${errorMessage(engine.errored)}`;
  } finally {
    engine.destroy();
  }
}

/** A zip has its directory at the end: it is spooled to a temporary file first. */
async function* unzip(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
  facts: ContainerFacts,
): AsyncGenerator<Uint8Array, void, void> {
  const path = join(options.tempDir ?? tmpdir(), `gogobe-${randomUUID()}.zip`);
  try {
    await spool(source, path);
    const zip = await openZip(path);
    try {
      const entry = await chooseEntry(zip, facts);
      try {
        for await (const chunk of await zip.openReadStreamPromise(entry)) yield chunk as Buffer;
      } catch (error) {
        facts.damage = `zip: ${errorMessage(error)}`;
      }
    } finally {
      zip.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

async function spool(source: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  try {
    for await (const chunk of source) if (!file.write(chunk)) await once(file, "drain");
    file.end();
    await once(file, "close");
  } finally {
    file.destroy();
  }
}

async function openZip(path: string): Promise<ZipFile> {
  try {
    // Entry names are never used as paths, so they need no check.
    return await openPromise(path, { autoClose: false, lazyEntries: true, decodeStrings: false });
  } catch (cause) {
    throw new UnreadableFileError(`a zip that cannot be read: ${errorMessage(cause)}`, {
      cause,
      hint: "its directory stands at the end: the file was probably cut short; download it again",
    });
  }
}

/** The entry that ends in .xml, else the largest. More than one is noted. */
async function chooseEntry(zip: ZipFile, facts: ContainerFacts): Promise<Entry> {
  const files: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (!nameOf(entry).endsWith("/")) files.push(entry);
      if (files.length > 100) break;
    }
  } catch (cause) {
    throw new UnreadableFileError(`a zip with a damaged directory: ${errorMessage(cause)}`, { cause });
  }
  files.sort((a, b) => b.uncompressedSize - a.uncompressedSize);
  const chosen = files.find((entry) => /\.xml$/i.test(nameOf(entry))) ?? files[0];
  if (!chosen) throw new UnreadableFileError("a zip without a file in it");
  if (!chosen.canDecodeFileData()) throw new UnreadableFileError("a zip that is encrypted or packed in an unknown way");
  if (files.length > 1) facts.problems.push(`the zip holds ${files.length} files; the largest .xml was read`);
  return chosen;
}

function nameOf(entry: Entry): string {
  return entry.fileNameRaw.toString("latin1");
}
