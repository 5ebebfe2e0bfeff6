import { parseFile } from "../parser/parse-file.ts";
import { openVerified } from "../parser/verified-source.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import type { FileTotals, IngestMessage } from "../shared/contracts/ingest-messages.ts";
import { recordDownloaded, recordParsed, recordStopped } from "../shared/database/ledger.ts";
import { errorMessage, isRetryable, UnreadableFileError } from "../shared/errors.ts";
import { retryPolicyOf, withRetry } from "../shared/retry.ts";
import { applyBatches } from "../writer/apply.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Reads one stored file and loads its batches, with the same marks in the ledger as the stages leave. A file that cannot be used is
 * marked and never stops the others; trouble on our own side (database, store) is thrown once the tries are used up.
 */
export async function loadStoredFile(
  runtime: Runtime,
  file: FileDownloaded,
): Promise<"loaded" | "quarantined" | "failed"> {
  const { pool } = await runtime.database();
  await recordDownloaded(pool, file, { ...file, objectUri: file.s3_path }, true);
  try {
    const totals = await withRetry(() => applyFile(runtime, file), {
      policy: retryPolicyOf("writer", runtime.config.retryAttempts),
      signal: runtime.shutdown.signal,
    });
    await recordParsed(pool, file.fileId, totals);
    return "loaded";
  } catch (error) {
    if (isRetryable(error)) throw error;
    const status = error instanceof UnreadableFileError ? "quarantined" : "failed";
    await recordStopped(pool, file.fileId, status, errorMessage(error));
    runtime.log.warn({ fileId: file.fileId, fileName: file.fileName, error: errorMessage(error) }, `file ${status}`);
    return status;
  }
}

/** Every batch in transactions of the writer's size. @returns what the last batch says of the whole file */
async function applyFile(runtime: Runtime, file: FileDownloaded): Promise<FileTotals> {
  const { config, log, metrics, shutdown } = runtime;
  const { pool } = await runtime.database();
  const source = await openVerified(file, await runtime.store(), config.cacheDir, shutdown.signal);
  let totals: FileTotals | undefined;
  let batches: IngestMessage[] = [];
  try {
    for await (const message of parseFile(source.bytes, file, { maxExpandedBytes: config.maxExpandedBytes })) {
      shutdown.signal.throwIfAborted();
      totals = message.totals ?? totals;
      batches.push(message);
      if (batches.length < config.writeFlushBatches) continue;
      await applyBatches(pool, batches, { log, metrics });
      batches = [];
    }
    await applyBatches(pool, batches, { log, metrics });
  } finally {
    await source.dispose();
  }
  if (totals === undefined) throw new Error(`no last batch came of ${file.fileName}`);
  return totals;
}
