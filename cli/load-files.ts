import { setTimeout as sleep } from "node:timers/promises";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { FILE_STATUSES, type FileStatus } from "../shared/database/ledger.ts";
import { patiently } from "./patient.ts";
import { createProgress } from "./progress.ts";
import type { Runtime } from "./runtime.ts";
import { startParse, startWrite, stopper } from "./stages.ts";

const POLL_MS = 100;
/** After this long without a file that moves a person is asked whether anybody works. */
const SILENCE_MS = 20_000;
const NOBODY = "none moves: are gogobe parse and gogobe write running? (--here loads in this process)";
const ON_THE_WAY: readonly FileStatus[] = ["discovered", "downloaded", "parsed"];
const ENDS = FILE_STATUSES.filter((status) => !ON_THE_WAY.includes(status));

/**
 * Puts files on the bus and waits until each of those is loaded, quarantined or failed; then refreshes the views. Returns early when
 * the process is asked to stop.
 * @param options.here parser and writer run in this process meanwhile; otherwise the members of the fleet do the work
 */
export async function loadFiles(
  runtime: Runtime,
  put: () => Promise<readonly FileDownloaded[]>,
  { here }: { here: boolean },
): Promise<void> {
  // Before the stages, so that it ends after them.
  const progress = createProgress("files");
  runtime.shutdown.add("the progress", () => progress.stop());
  const stopWrite = here ? stopper(runtime, await startWrite(runtime)) : undefined;
  const stopParse = here ? stopper(runtime, await startParse(runtime)) : undefined;
  const ids = [...new Set((await put()).map((file) => file.fileId))];
  const { signal } = runtime.shutdown;
  let last = -1;
  let movedAt = Date.now();
  while (!signal.aborted) {
    const done = await patiently(() => countDone(runtime, ids), signal);
    if (done !== last) movedAt = Date.now();
    last = done;
    progress.update(done, ids.length, !here && Date.now() - movedAt > SILENCE_MS ? NOBODY : "");
    if (done === ids.length) break;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  progress.stop();
  await stopParse?.();
  await stopWrite?.();
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
