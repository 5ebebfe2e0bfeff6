import { isAscii, isUtf8 } from "node:buffer";

/** Encodings that occur in the field; every single-byte label is read as windows-1255 (formats §2). */
export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1255";

/** What became known of the encoding; complete once the stream has ended. */
export interface EncodingFacts {
  encoding: Encoding;
  /** Characters that stand for bytes which are none in this encoding. */
  replaced: number;
  problems: string[];
}

export interface Decoded {
  facts: EncodingFacts;
  text: AsyncGenerator<string, void, void>;
}

/** Labels of the declaration that mean Hebrew in one byte a letter. */
const SINGLE_BYTE = /^(?:iso-?8859-8(?:-[ie])?|windows-1255|cp-?1255|hebrew|x-mac-hebrew|ibm862|cp862)$/i;
const UTF16 = /^(?:utf-?16(?:le|be)?|ucs-?2|unicode)$/i;
const REPLACEMENT = "�";

/**
 * Bytes to text, streaming: byte order mark, then declaration, then what the bytes prove. A declaration is wrong often enough
 * (ISO-8859-8 over windows-1255 or over UTF-8, nothing at all) that the first bytes above ASCII decide between UTF-8 and
 * windows-1255: Hebrew of one can not be mistaken for the other. Invalid bytes never end a file: replaced and counted.
 */
export function decode(source: AsyncIterable<Uint8Array>): Decoded {
  const facts: EncodingFacts = { encoding: "utf-8", replaced: 0, problems: [] };
  return { facts, text: decodeChunks(source, facts) };
}

async function* decodeChunks(source: AsyncIterable<Uint8Array>, facts: EncodingFacts): AsyncGenerator<string> {
  let decoder: ChunkDecoder | undefined;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    decoder ??= openDecoder(bytes, facts);
    const text = decoder.write(bytes);
    if (text.length > 0) yield text;
  }
  const rest = decoder?.end() ?? "";
  if (rest.length > 0) yield rest;
}

/** Text of successive chunks; a character that straddles two comes with the second. */
interface ChunkDecoder {
  write(chunk: Buffer): string;
  end(): string;
}

function openDecoder(head: Buffer, facts: EncodingFacts): ChunkDecoder {
  if (head[0] === 0xff && head[1] === 0xfe) return new Utf16Decoder(facts, "utf-16le");
  if (head[0] === 0xfe && head[1] === 0xff) return new Utf16Decoder(facts, "utf-16be");
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return new Utf8Decoder(facts);
  if (head[1] === 0 && head[0] !== 0 && head[3] === 0) return new Utf16Decoder(facts, "utf-16le");
  if (head[0] === 0 && head[1] !== 0 && head[2] === 0) return new Utf16Decoder(facts, "utf-16be");
  const declared = /^[^<]*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']{1,40})["']/.exec(
    head.toString("latin1", 0, 400),
  )?.[1];
  if (declared !== undefined && UTF16.test(declared)) facts.problems.push(`declared ${declared}, but is not`);
  return new UndecidedDecoder(facts, declared);
}

/** Passes ASCII on until the first other bytes decide. */
class UndecidedDecoder implements ChunkDecoder {
  readonly #facts: EncodingFacts;
  readonly #declared: string | undefined;
  #decided: ChunkDecoder | undefined;
  #held: Buffer | undefined;

  constructor(facts: EncodingFacts, declared: string | undefined) {
    this.#facts = facts;
    this.#declared = declared;
    if (declared !== undefined && SINGLE_BYTE.test(declared)) facts.encoding = "windows-1255";
  }

  write(chunk: Buffer): string {
    if (this.#decided) return this.#decided.write(chunk);
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = undefined;
    if (isAscii(bytes)) return bytes.toString("latin1");
    const evidence = countUtf8(bytes);
    if (evidence.valid + evidence.invalid === 0) {
      // All that is above ASCII is one sequence that the chunk cuts: the next chunk tells.
      this.#held = Buffer.from(bytes);
      return "";
    }
    this.#decided = this.#decide(evidence);
    return this.#decided.write(bytes);
  }

  end(): string {
    if (!this.#held) return this.#decided?.end() ?? "";
    const decoder = this.#decide({ valid: 0, invalid: 0 });
    return decoder.write(this.#held) + decoder.end();
  }

  #decide({ valid, invalid }: { valid: number; invalid: number }): ChunkDecoder {
    const declaredSingle = this.#declared !== undefined && SINGLE_BYTE.test(this.#declared);
    const isUtf = valid === invalid ? !declaredSingle : valid > invalid;
    if (isUtf && declaredSingle) this.#facts.problems.push(`declared ${this.#declared}, but is utf-8`);
    if (!isUtf && this.#declared !== undefined && !declaredSingle) {
      this.#facts.problems.push(`declared ${this.#declared}, but is windows-1255`);
    }
    return isUtf ? new Utf8Decoder(this.#facts) : new Windows1255Decoder(this.#facts);
  }
}

/** Whole multi-byte sequences against bytes above ASCII that belong to none. */
function countUtf8(bytes: Buffer): { valid: number; invalid: number } {
  let valid = 0;
  let invalid = 0;
  for (let i = 0; i < bytes.length; i++) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) continue;
    const extra = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
    // A sequence that the chunk cuts proves nothing.
    if (extra > 0 && i + extra >= bytes.length) break;
    let whole = extra > 0 && lead < 0xf5;
    for (let k = 1; whole && k <= extra; k++) whole = ((bytes[i + k] ?? 0) & 0xc0) === 0x80;
    if (whole) {
      valid++;
      i += extra;
    } else {
      invalid++;
    }
  }
  return { valid, invalid };
}

class Utf8Decoder implements ChunkDecoder {
  readonly #facts: EncodingFacts;
  #carry: Buffer | undefined;

  constructor(facts: EncodingFacts) {
    this.#facts = facts;
    facts.encoding = "utf-8";
  }

  write(chunk: Buffer): string {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk;
    const end = bytes.length - openSequenceLength(bytes);
    // Copied: the chunk's memory may be used again for the next one.
    this.#carry = end < bytes.length ? Buffer.from(bytes.subarray(end)) : undefined;
    return this.#decode(end === bytes.length ? bytes : bytes.subarray(0, end));
  }

  end(): string {
    return this.#carry ? this.#decode(this.#carry) : "";
  }

  #decode(bytes: Buffer): string {
    const text = bytes.toString("utf8");
    if (!isUtf8(bytes)) this.#facts.replaced += countOf(text, REPLACEMENT) - countPublishedReplacements(bytes);
    return text;
  }
}

/** Bytes at the end that begin a sequence whose rest is still to come: 0 to 3. */
function openSequenceLength(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return whole > back ? back : 0;
    }
  }
  return 0;
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/** U+FFFD that the chain published itself. */
function countPublishedReplacements(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(REPLACEMENT); at !== -1; at = bytes.indexOf(REPLACEMENT, at + 3)) count++;
  return count;
}

class Utf16Decoder implements ChunkDecoder {
  readonly #facts: EncodingFacts;
  readonly #swap: boolean;
  #carry: Buffer = Buffer.alloc(0);

  constructor(facts: EncodingFacts, encoding: "utf-16le" | "utf-16be") {
    this.#facts = facts;
    this.#swap = encoding === "utf-16be";
    facts.encoding = encoding;
  }

  write(chunk: Buffer): string {
    const bytes = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk;
    let end = bytes.length - (bytes.length % 2);
    if (end >= 2 && this.#isHighSurrogate(bytes, end - 2)) end -= 2;
    this.#carry = Buffer.from(bytes.subarray(end));
    return this.#decode(bytes.subarray(0, end));
  }

  end(): string {
    if (this.#carry.length % 2 === 1) this.#facts.replaced++;
    return this.#decode(this.#carry.subarray(0, this.#carry.length - (this.#carry.length % 2)));
  }

  #isHighSurrogate(bytes: Buffer, at: number): boolean {
    const top = bytes[this.#swap ? at : at + 1] ?? 0;
    return top >= 0xd8 && top <= 0xdb;
  }

  #decode(bytes: Buffer): string {
    const text = (this.#swap ? Buffer.from(bytes).swap16() : bytes).toString("utf16le");
    if (text.isWellFormed()) return text;
    const mended = text.toWellFormed();
    this.#facts.replaced += countOf(mended, REPLACEMENT) - countOf(text, REPLACEMENT);
    return mended;
  }
}

/** One table look-up a byte, faster than the streaming TextDecoder that the table comes from. */
class Windows1255Decoder implements ChunkDecoder {
  readonly #facts: EncodingFacts;
  readonly #table: Uint16Array;
  #units = new Uint16Array(0);

  constructor(facts: EncodingFacts) {
    this.#facts = facts;
    facts.encoding = "windows-1255";
    const decoder = new TextDecoder("windows-1255");
    this.#table = Uint16Array.from({ length: 256 }, (_, byte) => decoder.decode(Uint8Array.of(byte)).charCodeAt(0));
  }

  write(chunk: Buffer): string {
    const table = this.#table;
    const { length } = chunk;
    if (this.#units.length < length) this.#units = new Uint16Array(length);
    const units = this.#units;
    let replaced = 0;
    for (let i = 0; i < length; i++) {
      const unit = table[chunk[i] as number] as number;
      if (unit === 0xfffd) replaced++;
      units[i] = unit;
    }
    this.#facts.replaced += replaced;
    return Buffer.from(units.buffer, 0, 2 * length).toString("utf16le");
  }

  end(): string {
    return "";
  }
}
