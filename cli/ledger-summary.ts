import type pg from "pg";
import type { FileStatus } from "../shared/database/ledger.ts";
import { grouped } from "./output.ts";

/** How many files stand where. */
export type StatusCounts = Partial<Record<FileStatus, number>>;

/** Now, by the clock of the database: what was changed since then can be asked for. */
export async function databaseNow(db: pg.Pool): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return rows[0]?.now ?? new Date();
}

/** Files by status that were touched since a moment. */
export async function countsSince(db: pg.Pool, since: Date): Promise<StatusCounts> {
  const { rows } = await db.query<{ status: FileStatus; files: number }>(
    "SELECT status, count(*)::int AS files FROM files WHERE changed_at >= $1 GROUP BY status",
    [since],
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.files]));
}

/** `12 loaded, 1 quarantined, 0 failed`, and what is left undone where something is. */
export function countsText(counts: StatusCounts): string {
  const ends = (["loaded", "quarantined", "failed"] as const).map(
    (status) => `${grouped(counts[status] ?? 0)} ${status}`,
  );
  const undone = (["discovered", "downloaded", "parsed"] as const)
    .filter((status) => (counts[status] ?? 0) > 0)
    .map((status) => `${grouped(counts[status] ?? 0)} only ${status}`);
  return [...ends, ...undone].join(", ");
}
