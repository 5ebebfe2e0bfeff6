import { comparableCode, type FileType } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import type { FileTotals, IngestMessage } from "../shared/contracts/ingest-messages.ts";
import { Batcher } from "./batch.ts";
import type { DecompressOptions } from "./decompress.ts";
import type { Kind } from "./dialects/dialect.ts";
import { FileReading, type FileSummary } from "./file-reading.ts";

export interface ParseOptions extends DecompressOptions {
  /** Leaves every row to saxes, without the fast path for flat rows. */
  onlySaxes?: boolean;
}

/**
 * Reads one file to its ingest messages: the core of the parser, with no bus and no database. Memory stays flat whatever the size
 * of the file, since the source is read only as fast as messages are taken. The last message carries the totals.
 * `source` must be the bytes that `file.sha256` names. @throws {UnreadableFileError} when no reader can use the file
 */
export async function* parseFile(
  source: AsyncIterable<Uint8Array>,
  file: FileDownloaded,
  options: ParseOptions,
): AsyncGenerator<IngestMessage, void, void> {
  const batcher = new Batcher(file);
  const reading = new FileReading({ kind: kindOf(file.fileType), chain: file.chain, output: batcher, ...options });
  for await (const _ of reading.run(source)) yield* batcher.ready();
  noteDisagreements(reading, file);
  yield* batcher.last((batchCount, rowsRejected) => {
    const summary = summaryOf(reading, file.fileType);
    const totals: FileTotals = { ...summary, batchCount, rowsRejected };
    // An item whose rejected row is not kept would look as if it were gone.
    return batcher.droppedRejected ? { ...totals, complete: false } : totals;
  });
}

/**
 * What is known of a file once it was read. Zero bytes are a delta or list without news, and normal (formats §7). A full file of zero
 * bytes says nothing, not that the store sells nothing: it is incomplete, so that it never delists.
 */
export function summaryOf(reading: FileReading, fileType: FileType | null): FileSummary {
  const summary = reading.summary();
  if (reading.hasContent || (fileType !== "price-full" && fileType !== "promo-full")) return summary;
  return { ...summary, complete: false, problems: ["a full file without any content", ...summary.problems] };
}

export function kindOf(fileType: FileType): Kind {
  if (fileType === "stores") return "stores";
  return fileType === "promo" || fileType === "promo-full" ? "promo" : "price";
}

/** Header and file name disagree now and then (a header once held `72908`): the name wins, and it is noted. */
function noteDisagreements(reading: FileReading, file: FileDownloaded): void {
  const { chainId, storeId } = reading.header;
  if (chainId !== undefined && comparableCode(chainId) !== comparableCode(file.chainId)) {
    reading.problems.note(`the header says chain ${chainId}, the file name ${file.chainId}: the name counts`);
  }
  const isStores = file.fileType === "stores";
  if (storeId !== undefined && file.storeId !== null && !isStores) {
    if (comparableCode(storeId) !== comparableCode(file.storeId)) {
      reading.problems.note(`the header says store ${storeId}, the file name ${file.storeId}: the name counts`);
    }
  }
}
