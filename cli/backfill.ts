import pLimit from "p-limit";
import type { Pool } from "pg";
import { messageKeyOf } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { UsageError } from "../shared/errors.ts";
import { PARSER_VERSION } from "../parser/parser-version.ts";
import { syncChains } from "../writer/chains.ts";
import { refreshViews } from "../writer/views.ts";
import { loadStoredFile } from "./load-stored-file.ts";
import { durationText } from "./output.ts";
import { createProgress, type Progress } from "./progress.ts";
import type { Runtime } from "./runtime.ts";
import { storedFiles, type StoredSelection } from "./stored-files.ts";

export interface BackfillResult {
  loaded: number;
  quarantined: number;
  failed: number;
  /** Loaded by this parser version before: left alone. */
  before: number;
}

/** Reading the store's list may take long: it is told of after every so many files. */
const TELL_EVERY = 1_000;

/**
 * Loads stored files straight into PostgreSQL, parser joined to writer without the bus: several stores at once, in published order
 * within one, so that the history is exact. What is loaded already is left alone, so a run that was broken off goes on.
 * @throws {UsageError} when nothing stored is meant
 */
export async function backfill(
  runtime: Runtime,
  selection: StoredSelection,
  options: { parallel: number },
): Promise<BackfillResult> {
  const { pool } = await runtime.database();
  const store = await runtime.store();
  const progress = createProgress("files");
  runtime.shutdown.add("the progress", () => progress.stop());
  const files: FileDownloaded[] = [];
  for await (const file of storedFiles(store, selection, runtime.log)) {
    files.push(file);
    if (files.length % TELL_EVERY === 0) progress.update(0, files.length, "reading what is stored");
  }
  if (files.length === 0) {
    throw new UsageError("no stored file is meant by that", { hint: "keys are <chain>/<yyyy-mm-dd>/<file name>" });
  }
  await syncChains(pool, await runtime.chains());
  const loaded = await findLoaded(pool, files);
  const todo = files.filter((file) => !loaded.has(file.fileId));
  const result: BackfillResult = { loaded: 0, quarantined: 0, failed: 0, before: files.length - todo.length };
  await loadAll(runtime, todo, { parallel: options.parallel, progress, result });
  await refreshViews(pool, { force: true });
  return result;
}

async function loadAll(
  runtime: Runtime,
  files: readonly FileDownloaded[],
  { parallel, progress, result }: { parallel: number; progress: Progress; result: BackfillResult },
): Promise<void> {
  const { signal } = runtime.shutdown;
  const estimate = estimator(files);
  const limit = pLimit(parallel);
  const loadStore = async (ofStore: FileDownloaded[]) => {
    for (const file of ofStore.toSorted(byVersion)) {
      if (signal.aborted) return;
      result[await loadStoredFile(runtime, file)]++;
      const { done, left } = estimate(file);
      progress.update(done, files.length, left);
    }
  };
  try {
    const stores = [...Map.groupBy(files, messageKeyOf).values()];
    await Promise.all(stores.map((ofStore) => limit(loadStore, ofStore)));
  } finally {
    // After a failure nothing new begins.
    limit.clearQueue();
    progress.stop();
  }
}

/** What a file costs beside its bytes, counted in bytes: opening it, and its transactions. */
const FILE_COST_BYTES = 200_000;

/** Time left, from what was done so far. */
function estimator(files: readonly FileDownloaded[]): (file: FileDownloaded) => { done: number; left: string } {
  const startedAt = Date.now();
  const costOf = (file: FileDownloaded) => file.sizeBytes + FILE_COST_BYTES;
  const total = files.reduce((sum, file) => sum + costOf(file), 0);
  let spent = 0;
  let done = 0;
  return (file) => {
    done++;
    spent += costOf(file);
    const seconds = (Date.now() - startedAt) / 1000;
    return { done, left: `about ${durationText((seconds * (total - spent)) / spent)} left` };
  };
}

function byVersion(left: FileDownloaded, right: FileDownloaded): number {
  return left.version < right.version ? -1 : Number(left.version > right.version);
}

/** Ids of the files that this parser version has loaded whole. */
async function findLoaded(pool: Pool, files: readonly FileDownloaded[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ file_id: string }>(
    `SELECT f.file_id FROM files f
     WHERE f.file_id = ANY ($1::uuid[]) AND f.status = 'loaded' AND f.parsed_at IS NOT NULL
       AND EXISTS (SELECT FROM batches b WHERE b.file_id = f.file_id AND b.parser_version >= $2)`,
    [files.map((file) => file.fileId), PARSER_VERSION],
  );
  return new Set(rows.map((row) => row.file_id));
}
