import { SaxesParser } from "saxes";
import { decode } from "../../parser/decode.ts";
import { decompress } from "../../parser/decompress.ts";

/** As high as a price file may come; the subjects are far below. */
export const MAX_EXPANDED_BYTES = 2 ** 31;

/**
 * What reading costs at least: unwrap, decode, and saxes with handlers that build one object per row and do nothing else: what
 * is nested in a row is laid over its fields. Returns the number of rows.
 */
export async function bareSaxes(bytes: Uint8Array, rowTag: string): Promise<number> {
  let items = 0;
  let item: Record<string, string> | null = null;
  let tag: string | null = null;
  let text = "";
  const parser = new SaxesParser({ position: false });
  parser.on("opentag", ({ name }) => {
    if (name === rowTag) {
      item = {};
    } else if (item !== null) {
      tag = name;
      text = "";
    }
  });
  parser.on("text", (piece) => {
    if (tag !== null) text += piece;
  });
  parser.on("closetag", ({ name }) => {
    if (name === rowTag) {
      items++;
      item = null;
    } else if (item !== null && tag !== null) {
      item[tag] = text;
      tag = null;
    }
  });
  const plain = decompress(chunksOf(bytes), { maxExpandedBytes: MAX_EXPANDED_BYTES });
  for await (const piece of decode(plain.bytes).text) parser.write(piece);
  parser.close();
  return items;
}

/** Bytes in pieces as large as the parser reads a cached file in. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes = 256 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
