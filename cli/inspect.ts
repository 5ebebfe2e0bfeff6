import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { type Inspection, inspectFile, type InspectOptions, inspectRows } from "../parser/inspect.ts";
import { parseFileName } from "../shared/contracts/file-identity.ts";
import { errorMessage, UsageError } from "../shared/errors.ts";
import { parseObjectUri } from "../shared/object-store/object-uri.ts";
import { countsText, grouped, printJson, printLine } from "./output.ts";
import type { Runtime } from "./runtime.ts";

const LINES_AT_ONCE = 500;

interface Flags {
  rows?: boolean;
  samples: number;
  json?: boolean;
}

/**
 * Says what is in a local or stored file, or prints its rows. Loads nothing.
 * @throws {UnreadableFileError} for a file that no reader can use
 */
export async function inspect(runtime: Runtime, file: string, flags: Flags): Promise<void> {
  const source = file.startsWith("s3://") ? await openStored(runtime, file) : await openLocal(file);
  const fileName = basename(file).replace(/\.r\d+$/, "");
  const options = {
    fileName,
    chain: await chainOf(runtime, fileName),
    samples: flags.samples,
    maxExpandedBytes: runtime.config.maxExpandedBytes,
  };
  if (flags.rows) return printEveryRow(source, options);
  const inspection = await inspectFile(source, options);
  if (flags.json) printJson({ file: fileName, ...inspection });
  else print(fileName, inspection);
}

async function openLocal(path: string): Promise<Readable> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}`, { cause });
  });
  if (!facts.isFile()) throw new UsageError(`${path} is no file`);
  return createReadStream(path);
}

async function openStored(runtime: Runtime, uri: string): Promise<Readable> {
  const { bucket, key } = parseObjectUri(uri);
  const store = await runtime.store();
  if (bucket !== store.bucket) {
    throw new UsageError(`${uri} lies in another bucket than ${store.bucket}`, { hint: "S3_BUCKET names the bucket" });
  }
  return (await store.get(key, runtime.shutdown.signal)).body;
}

/** The chain stands in the keys of products without a barcode; a name that tells none leaves them under "unknown". */
async function chainOf(runtime: Runtime, fileName: string): Promise<string> {
  try {
    const { chainId } = parseFileName(fileName);
    return (await runtime.chains()).byChainId(chainId)?.key ?? chainId;
  } catch {
    return "unknown";
  }
}

/** Rows on standard output, what is wrong with the file on standard error. Ends as soon as nobody reads any more, as `head` does. */
async function printEveryRow(source: AsyncIterable<Uint8Array>, options: InspectOptions): Promise<void> {
  let isRead = true;
  process.stdout.once("error", () => {
    isRead = false;
  });
  let lines: string[] = [];
  for await (const found of inspectRows(source, options)) {
    if ("summary" in found) {
      await written(lines.join(""));
      for (const problem of found.summary.problems) process.stderr.write(`problem: ${problem}\n`);
      return;
    }
    lines.push(`${JSON.stringify("row" in found ? found.row : found)}\n`);
    if (lines.length < LINES_AT_ONCE) continue;
    await written(lines.join(""));
    if (!isRead) return;
    lines = [];
  }
}

/** Resolves when the text is taken, or when that failed. */
function written(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

function print(fileName: string, found: Inspection): void {
  const facts: [string, unknown][] = [
    ["file", fileName],
    ["kind", found.name?.fileType ?? found.kind ?? "unknown"],
    ["chain, store", found.name && `${found.name.chainId}, ${found.name.storeId ?? "all"}`],
    ["published", found.name?.publishedAt],
    ["dialect", found.dialect],
    ["encoding", found.encoding],
    ["container", found.container],
    [
      "header",
      Object.entries(found.header)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ],
    ["rows", rowsText(found)],
    ["complete", found.complete ? "yes" : "no: it would never delist anything"],
    ["unknown tags", countsText(found.unknownTags)],
  ];
  for (const [name, value] of facts) if (value) printLine(`${name.padEnd(14)} ${String(value)}`);
  for (const problem of found.problems) printLine(`problem        ${problem}`);
  for (const row of found.sampleRows) printLine(`row            ${JSON.stringify(row)}`);
  for (const { line, reason, raw } of found.sampleRejected) printLine(`rejected       line ${line}: ${reason}: ${raw}`);
}

function rowsText({ rowsRead, rowsRejected, rowsRepeated = 0, rowsClaimed }: Inspection): string {
  const parts = [`${grouped(rowsRead)} read`, `${grouped(rowsRejected)} rejected`];
  if (rowsRepeated > 0) parts.push(`${grouped(rowsRepeated)} repeat a code`);
  if (rowsClaimed !== null) parts.push(`${grouped(rowsClaimed)} claimed by the file`);
  return parts.join(", ");
}
