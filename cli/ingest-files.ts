import { access } from "node:fs/promises";
import { basename } from "node:path";
import { ingestLocalFile } from "../downloader/ingest-file.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import type { FileStatus } from "../shared/database/ledger.ts";
import { errorMessage, PermanentError, UsageError } from "../shared/errors.ts";
import { ReportedFailure } from "./failure.ts";
import { databaseNow } from "./ledger-summary.ts";
import { loadFiles } from "./load-files.ts";
import { checkChains } from "./options.ts";
import { counted, formatOf, printRows } from "./output.ts";
import type { Runtime } from "./runtime.ts";

/** What became of one file that a person brought. */
interface Outcome {
  file: string;
  chain: string | null;
  type: string | null;
  status: FileStatus | "refused";
  rows: number | null;
  rejected: number | null;
  note: string | null;
}

const COLUMNS = ["file", "chain", "type", "status", "rows", "rejected", "note"];

/**
 * Loads local files through parser and writer, those of the fleet or (`here`) of this process, and prints what became of each. One that cannot be loaded keeps no
 * other from it.
 * @throws {UsageError} before anything is loaded: a path that does not exist, an unknown chain
 * @throws {ReportedFailure} when at least one file was not loaded
 */
export async function ingestFiles(
  runtime: Runtime,
  paths: readonly string[],
  options: { chain?: string; here?: boolean; json?: boolean },
): Promise<void> {
  await requirePaths(paths);
  checkChains(await runtime.chains(), options.chain === undefined ? [] : [options.chain]);
  const { db } = await runtime.stageDeps();
  const startedAt = await databaseNow(db);
  const taken = new Map<string, FileDownloaded>();
  const refused = new Map<string, unknown>();
  const put = async () => {
    await takeIn(runtime, paths, options, taken, refused);
    return [...taken.values()];
  };
  await loadFiles(runtime, put, { here: options.here ?? runtime.config.kafka === null });
  if (runtime.shutdown.signal.aborted) return;

  const ledger = await readOutcomes(runtime, [...taken.values()], startedAt);
  const outcomes = paths.map((path): Outcome => {
    const file = taken.get(path);
    return (file && ledger.get(file.fileId)) ?? refusal(path, refused.get(path));
  });
  printRows(
    outcomes.map((outcome) => ({ ...outcome })),
    formatOf(options),
    COLUMNS,
  );
  const notLoaded = outcomes.filter((outcome) => outcome.status !== "loaded").length;
  if (notLoaded > 0)
    throw new ReportedFailure(`gogobe: ${counted(notLoaded, "file")} of ${outcomes.length} not loaded`);
}

async function requirePaths(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await access(path).catch((cause: unknown) => {
      throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}`, { cause });
    });
  }
}

/** Stores and announces one file after the other; what is wrong with a file itself is noted, what is wrong with us is thrown. */
async function takeIn(
  runtime: Runtime,
  paths: readonly string[],
  { chain }: { chain?: string },
  taken: Map<string, FileDownloaded>,
  refused: Map<string, unknown>,
): Promise<void> {
  const deps = await runtime.stageDeps();
  for (const path of paths) {
    if (runtime.shutdown.signal.aborted) return;
    try {
      taken.set(path, await ingestLocalFile(deps, path, chain === undefined ? {} : { chain }));
    } catch (error) {
      if (!(error instanceof PermanentError || error instanceof UsageError)) throw error;
      refused.set(path, error);
    }
  }
}

async function readOutcomes(
  runtime: Runtime,
  files: readonly FileDownloaded[],
  startedAt: Date,
): Promise<Map<string, Outcome>> {
  const { pool } = await runtime.database();
  const { rows } = await pool.query<Outcome & { file_id: string }>(
    `SELECT file_id, file_name AS file, chain, file_type AS type, status, rows_read AS rows, rows_rejected AS rejected,
       CASE WHEN error IS NOT NULL THEN error WHEN loaded_at < $2 THEN 'loaded before: nothing to do'
         WHEN NOT complete THEN 'incomplete: what could be read is loaded' END AS note
     FROM files WHERE file_id = ANY ($1::uuid[])`,
    [files.map((file) => file.fileId), startedAt],
  );
  return new Map(rows.map(({ file_id, ...outcome }) => [file_id, outcome]));
}

function refusal(path: string, error: unknown): Outcome {
  const file = basename(path);
  return { file, chain: null, type: null, status: "refused", rows: null, rejected: null, note: errorMessage(error) };
}
