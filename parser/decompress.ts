import { UnreadableFileError } from "../shared/errors.ts";
import { inflate } from "./inflate.ts";
import { SNIFF_BYTES, sniffContainer } from "./sniff.ts";
import { unzip } from "./unzip.ts";

const BLOCK_BYTES = 32 * 1024;
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
 * Unwraps gzip (several members too) and zip, told apart by their bytes. One that was cut short yields all that it holds and sets
 * `facts.damage`. @throws {UnreadableFileError} from the stream: above the size cap (named), a zip without a file or encrypted
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
  const inner = container === "gzip" ? gunzip(whole, facts) : unzip(whole, options.tempDir, facts);
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

function gunzip(source: AsyncIterable<Uint8Array>, facts: ContainerFacts): AsyncGenerator<Uint8Array, void, void> {
  return inflate(source, "gzip", (reason) => {
    facts.damage = `gzip: ${reason}`;
  });
}
