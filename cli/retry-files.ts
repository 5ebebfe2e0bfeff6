import { publishOutbox } from "../crawlers/outbox.ts";
import type { FileStatus } from "../shared/database/ledger.ts";
import { UsageError } from "../shared/errors.ts";
import { type FileFilter, findFile, findFiles, type LedgerFile, storedMessageOf } from "./ledger-files.ts";
import { publishStored } from "./replay.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Sends files through the line again: a stored one to the parser, one that was never stored back into the crawlers' outbox, which
 * resolves its link afresh. Harmless for files that are loaded: nothing changes that did not change.
 * @returns how many
 * @throws {UsageError} when neither names nor a filter say which
 */
export async function retryFiles(
  runtime: Runtime,
  names: readonly string[],
  filter: Omit<FileFilter, "limit" | "statuses"> & { status?: FileStatus },
): Promise<number> {
  const { pool } = await runtime.database();
  const { status, ...rest } = filter;
  if (names.length === 0 && status === undefined) {
    throw new UsageError("say which files: name them, or give --status", {
      hint: "gogobe files retry --status failed",
    });
  }
  const files =
    names.length > 0
      ? await Promise.all(names.map((name) => findFile(pool, name)))
      : await findFiles(pool, { ...rest, ...(status === undefined ? {} : { statuses: [status] }) });
  await publishStored(
    runtime,
    files.map(storedMessageOf).filter((message) => message !== null),
  );
  await rediscover(runtime, files);
  return files.length;
}

/** Back into the outbox; the downloader resolves the link again, since the ledger keeps none with a signature. */
async function rediscover(runtime: Runtime, files: readonly LedgerFile[]): Promise<void> {
  const ids = files.filter((file) => storedMessageOf(file) === null).map((file) => file.file_id);
  if (ids.length === 0) return;
  const { pool } = await runtime.database();
  await pool.query(
    `UPDATE files SET status = 'discovered', enqueued_at = NULL, error = NULL, changed_at = now() WHERE file_id = ANY ($1::uuid[])`,
    [ids],
  );
  await publishOutbox({ db: pool, bus: await runtime.bus() });
}
