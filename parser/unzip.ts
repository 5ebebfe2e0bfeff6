import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { errorMessage, UnreadableFileError } from "../shared/errors.ts";
import { inflate } from "./inflate.ts";

const STORED = 0;
const DEFLATED = 8;
const LOCAL_HEADER_BYTES = 30;
const LOCAL_SIGNATURE = 0x04034b50;
const IS_ENCRYPTED = 1;
const READ_CHUNK_BYTES = 64 * 1024;
const MAX_ENTRIES = 100;

/** What unzipping found out; complete once the stream has ended. */
export interface ZipFacts {
  damage: string | null;
  problems: string[];
}

/**
 * The bytes of the one file that a zip holds. A zip has its directory at the end: it is spooled to a temporary file first. Where the
 * directory is missing or damaged (a zip that was cut short), the first file is salvaged by the header in front of it.
 * @throws {UnreadableFileError} for a zip without a file, encrypted, or packed in another way than deflate
 */
export async function* unzip(
  source: AsyncIterable<Uint8Array>,
  tempDir: string | undefined,
  facts: ZipFacts,
): AsyncGenerator<Uint8Array, void, void> {
  const path = join(tempDir ?? tmpdir(), `gogobe-${randomUUID()}.zip`);
  try {
    await spool(source, path);
    const zip = await openZip(path, facts);
    if (zip === null) {
      yield* salvage(path, facts);
      return;
    }
    try {
      yield* entryBytes(zip.file, zip.entry, facts);
    } finally {
      zip.file.close();
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

/** The zip and the entry to read; null when its directory cannot be read, which `facts` then says. */
async function openZip(path: string, facts: ZipFacts): Promise<{ file: ZipFile; entry: Entry } | null> {
  let file: ZipFile | undefined;
  try {
    // Entry names are never used as paths, so they need no check.
    file = await openPromise(path, { autoClose: false, lazyEntries: true, decodeStrings: false });
    const entries: Entry[] = [];
    for await (const entry of file.eachEntry()) {
      if (!nameOf(entry).endsWith("/")) entries.push(entry);
      if (entries.length > MAX_ENTRIES) break;
    }
    return { file, entry: chooseEntry(entries, facts) };
  } catch (error) {
    file?.close();
    if (error instanceof UnreadableFileError) throw error;
    addDamage(facts, `zip: its directory cannot be read (${errorMessage(error)}): cut short`);
    return null;
  }
}

/** The entry that ends in .xml, else the largest. More than one is noted. */
function chooseEntry(entries: Entry[], facts: ZipFacts): Entry {
  entries.sort((a, b) => b.uncompressedSize - a.uncompressedSize);
  const chosen = entries.find((entry) => /\.xml$/i.test(nameOf(entry))) ?? entries[0];
  if (!chosen) throw new UnreadableFileError("a zip without a file in it");
  if (!chosen.canDecodeFileData()) throw unknownPacking();
  if (entries.length > 1) facts.problems.push(`the zip holds ${entries.length} files; the largest .xml was read`);
  return chosen;
}

function nameOf(entry: Entry): string {
  return entry.fileNameRaw.toString("latin1");
}

function unknownPacking(): UnreadableFileError {
  return new UnreadableFileError("a zip that is encrypted or packed in an unknown way");
}

/** The data of an entry, held against the size and the checksum that the directory names. */
async function* entryBytes(zip: ZipFile, entry: Entry, facts: ZipFacts): AsyncGenerator<Uint8Array, void, void> {
  const packed: AsyncIterable<Buffer> = await zip
    .openReadStreamPromise(entry, { decodeFileData: false })
    .catch((cause: unknown) => {
      throw new UnreadableFileError(`a zip whose directory points nowhere: ${errorMessage(cause)}`, { cause });
    });
  let size = 0;
  let sum = 0;
  for await (const chunk of unpack(packed, entry.compressionMethod, facts)) {
    size += chunk.length;
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (facts.damage !== null) return;
  if (size !== entry.uncompressedSize) {
    facts.damage = `zip: ${size} bytes came out where its directory says ${entry.uncompressedSize}`;
  } else if (sum !== entry.crc32) {
    facts.damage = "zip: the checksum of its directory is another";
  }
}

/** The first file of a zip without a directory, as far as it goes. Where it ends is known only of deflated data. */
async function* salvage(path: string, facts: ZipFacts): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (;;) {
    const header = await readLocalHeader(path, at);
    if (header === null) return;
    if ((header.flags & IS_ENCRYPTED) !== 0) throw unknownPacking();
    const dataStart = at + LOCAL_HEADER_BYTES + header.nameBytes + header.extraBytes;
    if (header.isDirectory) {
      at = dataStart + header.packedBytes;
      continue;
    }
    // A stored file ends where its size says; a size of zero is told only behind the data.
    const end = header.method === STORED && header.packedBytes > 0 ? dataStart + header.packedBytes - 1 : undefined;
    const range = { start: dataStart, highWaterMark: READ_CHUNK_BYTES, ...(end === undefined ? {} : { end }) };
    yield* unpack(createReadStream(path, range), header.method, facts);
    return;
  }
}

interface LocalHeader {
  flags: number;
  method: number;
  packedBytes: number;
  nameBytes: number;
  extraBytes: number;
  isDirectory: boolean;
}

/** The header in front of an entry (APPNOTE 4.3.7); null where there is none. */
async function readLocalHeader(path: string, at: number): Promise<LocalHeader | null> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(LOCAL_HEADER_BYTES);
    const { bytesRead } = await file.read(bytes, 0, LOCAL_HEADER_BYTES, at);
    if (bytesRead < LOCAL_HEADER_BYTES || bytes.readUInt32LE(0) !== LOCAL_SIGNATURE) return null;
    const nameBytes = bytes.readUInt16LE(26);
    const name = Buffer.alloc(nameBytes);
    await file.read(name, 0, nameBytes, at + LOCAL_HEADER_BYTES);
    return {
      flags: bytes.readUInt16LE(6),
      method: bytes.readUInt16LE(8),
      packedBytes: bytes.readUInt32LE(18),
      nameBytes,
      extraBytes: bytes.readUInt16LE(28),
      isDirectory: name.toString("latin1").endsWith("/"),
    };
  } finally {
    await file.close();
  }
}

async function* unpack(
  packed: AsyncIterable<Buffer>,
  method: number,
  facts: ZipFacts,
): AsyncGenerator<Uint8Array, void, void> {
  if (method === STORED) yield* packed;
  else if (method !== DEFLATED) throw unknownPacking();
  else {
    yield* inflate(packed, "deflate", (reason) => addDamage(facts, `zip: ${reason}`));
  }
}

/** What is wrong with the container around it stays told. */
function addDamage(facts: ZipFacts, reason: string): void {
  facts.damage = facts.damage === null ? reason : `${facts.damage}; ${reason}`;
}
