import { setTimeout as sleep } from "node:timers/promises";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { FILE_STATUSES, type FileStatus } from "../shared/database/ledger.ts";
import { createProgress } from "./progress.ts";
import type { Runtime } from "./runtime.ts";
import { startParse, startWrite, stopper } from "./stages.ts";

const POLL_MS = 100;
const ON_THE_WAY: readonly FileStatus[] = ["discovered", "downloaded", "parsed"];
const ENDS = FILE_STATUSES.filter((status) => !ON_THE_WAY.includes(status));

/**
 * Runs parser and writer in this process while files are put on the bus, until each of those is loaded, quarantined or failed; then
 * refreshes the views. Returns early when the process is asked to stop.
 */
export async function loadHere(runtime: Runtime, put: () => Promise<readonly FileDownloaded[]>): Promise<void> {
  // Before the stages, so that it ends after them.
  const progress = createProgress("files");
  runtime.shutdown.add("the progress", () => progress.stop());
  const stopWrite = stopper(runtime, await startWrite(runtime));
  const stopParse = stopper(runtime, await startParse(runtime));
  const ids = [...new Set((await put()).map((file) => file.fileId))];
  const { signal } = runtime.shutdown;
  while (!signal.aborted) {
    const done = await countDone(runtime, ids);
    progress.update(done, ids.length);
    if (done === ids.length) break;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  progress.stop();
  await stopParse();
  await stopWrite();
  if (signal.aborted || ids.length === 0) return;
  const { refreshViews } = await import("../writer/views.ts");
  await refreshViews((await runtime.database()).pool, { force: true });
}

async function countDone(runtime: Runtime, ids: readonly string[]): Promise<number> {
  const { pool } = await runtime.database();
  const { rows } = await pool.query<{ done: number }>(
    "SELECT count(*)::int AS done FROM files WHERE file_id = ANY ($1::uuid[]) AND status = ANY ($2)",
    [ids, ENDS],
  );
  return rows[0]?.done ?? 0;
}
