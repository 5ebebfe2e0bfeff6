import { hash } from "node:crypto";
import { SaxesParser } from "saxes";
import { decode } from "../../parser/decode.ts";
import { parseFile } from "../../parser/parse-file.ts";
import { fileIdOf, fileVersionOf, parseFileName } from "../../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../../shared/contracts/file-messages.ts";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import type { FixtureEncoding } from "../fixtures/encodings.ts";
import { hugePriceFull } from "../fixtures/huge.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";

/** One measure: items a second, held against bare saxes over the same bytes in the same run. */
export interface ParseMeasure {
  measure: string;
  value: number;
  unit: "items/s";
  baseline: number;
  ratio: number;
}

const ENCODINGS = ["utf-8-bom", "utf-16le", "windows-1255"] as const satisfies readonly FixtureEncoding[];
const CHUNK_BYTES = 256 * 1024;
const DAY = "2026-08-14";

/**
 * The parse stage, bytes to validated, normalised batches of up to 500 items: as it runs, and with every row left to saxes. The
 * baseline is saxes with handlers that build one object per item and nothing else. All take turns; the best of `rounds` counts.
 */
export async function benchParse(items = 100_000, rounds = 5): Promise<ParseMeasure[]> {
  const measures: ParseMeasure[] = [];
  for (const encoding of ENCODINGS) {
    const { chunks, file } = invented(items, encoding);
    let [bare, fast, plain] = [Infinity, Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      bare = Math.min(bare, await timeOf(items, () => bareSaxes(chunks)));
      fast = Math.min(fast, await timeOf(items, () => parse(chunks, file, false)));
      plain = Math.min(plain, await timeOf(items, () => parse(chunks, file, true)));
    }
    const perSecond = (ms: number) => Math.round((1_000 * items) / ms);
    const measure = (name: string, ms: number): ParseMeasure => ({
      measure: `parse ${name}, ${encoding}`,
      value: perSecond(ms),
      unit: "items/s",
      baseline: perSecond(bare),
      ratio: Math.round((100 * bare) / ms) / 100,
    });
    measures.push(measure("flat rows", fast), measure("saxes only", plain));
  }
  return measures;
}

function invented(items: number, encoding: FixtureEncoding): { chunks: Buffer[]; file: FileDownloaded } {
  const chain = FIXTURE_CHAINS.alon;
  const store = fixtureStore(createStoresList(chain, DAY, "bench", 3), 0);
  const huge = hugePriceFull({ seed: "bench", chain, store, day: DAY, items, encoding });
  const bytes = Buffer.concat([...huge.xml()]);
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
    bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
  const { sequence, ...parts } = parseFileName(huge.fileName);
  const fileId = fileIdOf(chain.key, huge.fileName, 0);
  const file: FileDownloaded = {
    ...parts,
    schemaVersion: 1,
    fileId,
    chain: chain.key,
    portal: "local",
    fileName: huge.fileName,
    revision: 0,
    version: fileVersionOf({ ...parts, sequence, revision: 0, fileId }),
    s3_path: `s3://gogobe-raw/${chain.key}/${DAY}/${huge.fileName}`,
    sha256: hash("sha256", bytes),
    sizeBytes: bytes.length,
    contentType: "application/xml",
    etag: "bench",
    downloadedAt: parts.publishedAt,
    sourceUrl: "https://portal.example/",
  };
  return { chunks, file };
}

async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function parse(chunks: readonly Buffer[], file: FileDownloaded, onlySaxes: boolean): Promise<number> {
  let items = 0;
  const messages = parseFile(streamOf(chunks), file, { maxExpandedBytes: 2 ** 31, onlySaxes });
  for await (const message of messages) items += message.items.length;
  return items;
}

async function bareSaxes(chunks: readonly Buffer[]): Promise<number> {
  let items = 0;
  let item: Record<string, string> | null = null;
  let tag: string | null = null;
  let text = "";
  const parser = new SaxesParser({ position: false });
  parser.on("opentag", ({ name }) => {
    if (name === "Item") {
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
    if (name === "Item") {
      items++;
      item = null;
    } else if (item !== null && tag !== null) {
      item[tag] = text;
      tag = null;
    }
  });
  for await (const piece of decode(streamOf(chunks)).text) parser.write(piece);
  parser.close();
  return items;
}

/** Milliseconds of this thread's processor time (what a busy machine does not stretch) of a run, which must have read every item. */
async function timeOf(items: number, run: () => Promise<number>): Promise<number> {
  const start = process.threadCpuUsage();
  const read = await run();
  if (read !== items) throw new Error(`${read} of ${items} items were read`);
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1_000;
}
