import { once } from "node:events";
import { createGunzip, createInflateRaw } from "node:zlib";
import { errorMessage } from "../shared/errors.ts";

/** Output pieces. Small enough for their text to die young: larger strings are not moved by the collector but kept until the heap is full. */
const OUTPUT_CHUNK_BYTES = 32 * 1024;
/** Input goes in by pieces that give about so much, going by the piece before: a bomb (1 to 1,000) may have 16 MB waiting once, then no more. */
const WAITING_BYTES = 256 * 1024;
const SMALLEST_PIECE_BYTES = 1024;
const LARGEST_PIECE_BYTES = 16 * 1024;

/** `gzip`: one or several members with their checksums. `deflate`: the bare data of a zip entry; what follows their end is left alone. */
export type Packing = "gzip" | "deflate";

/**
 * Streams packed bytes out; `onDamage` is told what is wrong where they end early or make no sense. Data events are taken as they come,
 * never through the readable buffer: that one is thrown away when the stream fails, and with it the last rows of a file that was cut
 * short. The next piece is unpacked while the last one is read.
 */
export async function* inflate(
  source: AsyncIterable<Uint8Array>,
  packing: Packing,
  onDamage: (reason: string) => void,
): AsyncGenerator<Buffer, void, void> {
  const options = { chunkSize: OUTPUT_CHUNK_BYTES };
  const engine = packing === "gzip" ? createGunzip(options) : createInflateRaw(options);
  let ready: Buffer[] = [];
  engine.on("data", (chunk: Buffer) => ready.push(chunk));
  // The error stays readable as `engine.errored`.
  engine.on("error", () => undefined);
  const isOver = () => engine.readableEnded || engine.errored !== null;
  const write = (piece: Uint8Array) =>
    new Promise<void>((resolve) => {
      // Once the data have ended, nothing calls back for the bytes behind them.
      const done = () => {
        engine.off("close", done);
        engine.off("end", done);
        resolve();
      };
      engine.once("close", done);
      engine.once("end", done);
      engine.write(piece, done);
    });
  try {
    let under: Promise<void> = Promise.resolve();
    let pieceBytes = SMALLEST_PIECE_BYTES;
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && !isOver(); at += pieceBytes) {
        await under;
        const done = ready;
        ready = [];
        pieceBytes = nextPieceBytes(pieceBytes, done);
        if (!isOver()) under = write(chunk.subarray(at, at + pieceBytes));
        yield* done;
      }
      if (isOver()) break;
    }
    await under;
    if (!isOver()) {
      const closed = once(engine, "close").catch(() => undefined);
      engine.end();
      await closed;
    }
    yield* ready;
    if (engine.errored) onDamage(errorMessage(engine.errored));
  } finally {
    engine.destroy();
  }
}

/** How much goes in next, after what the last piece of `pieceBytes` gave; more is tried step by step. */
function nextPieceBytes(pieceBytes: number, given: readonly Uint8Array[]): number {
  const expanded = given.reduce((sum, { length }) => sum + length, 0);
  const fitting = expanded === 0 ? LARGEST_PIECE_BYTES : Math.floor((WAITING_BYTES * pieceBytes) / expanded);
  return Math.min(Math.max(fitting, SMALLEST_PIECE_BYTES), LARGEST_PIECE_BYTES, 4 * pieceBytes);
}
