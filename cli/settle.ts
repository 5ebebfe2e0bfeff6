import { setTimeout as sleep } from "node:timers/promises";
import { countUnfinished } from "../shared/database/ledger.ts";
import { GogobeError } from "../shared/errors.ts";
import { patiently } from "./patient.ts";
import type { Runtime } from "./runtime.ts";

const POLL_MS = 200;
/** Nothing waits on the bus and no file moves for this long, yet some are not done: they are stuck, and waiting on would be for ever. */
const STALLED_MS = 60_000;

export interface Standing {
  /** Files that are neither loaded nor out of the line. */
  unfinished: number;
  /** Messages on the bus that are not acknowledged. */
  waiting: number;
}

/**
 * Waits until every file of the ledger is loaded, quarantined or failed and the bus is empty. Returns early when the runtime is asked
 * to stop.
 * @throws {GogobeError} naming the files that do not move any more
 */
export async function settle(runtime: Runtime, onStanding: (standing: Standing) => void = () => {}): Promise<void> {
  const { db, bus } = await runtime.stageDeps();
  const { signal } = runtime.shutdown;
  let last = "";
  let movedAt = Date.now();
  while (!signal.aborted) {
    const unfinished = await patiently(() => countUnfinished(db), signal);
    const partitions = await patiently(() => bus.lag(), signal);
    const waiting = partitions.reduce((sum, partition) => sum + partition.lag, 0);
    onStanding({ unfinished, waiting });
    if (unfinished === 0 && waiting === 0) return;
    const now = `${unfinished} ${waiting}`;
    if (now !== last || waiting > 0) movedAt = Date.now();
    last = now;
    if (Date.now() - movedAt > STALLED_MS) throw await stalled(runtime, unfinished);
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function stalled(runtime: Runtime, unfinished: number): Promise<GogobeError> {
  const { pool } = await runtime.database();
  const { rows } = await pool.query<{ file_name: string; status: string }>(
    `SELECT file_name, status FROM files WHERE status IN ('discovered', 'downloaded', 'parsed') ORDER BY changed_at LIMIT 5`,
  );
  const names = rows.map((row) => `${row.file_name} (${row.status})`).join(", ");
  return new GogobeError(`${unfinished} files do not move any more, for example ${names}`, {
    hint: "gogobe dlq list and gogobe files show <file> tell why; gogobe files retry sends them again",
  });
}
