import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "pg";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { applyBatches, type ApplyDeps, type ApplyResult } from "../../../writer/apply.ts";
import { exportTables } from "../../../writer/export-tables.ts";

export const testDeps = (): ApplyDeps => ({ log: createLog({ level: "silent" }), metrics: createMetrics() });

export function apply(db: Pool, messages: readonly unknown[]): Promise<ApplyResult> {
  return applyBatches(db, messages, testDeps());
}

/** One column of text lines. */
export async function lines(db: Pool, sql: string): Promise<string[]> {
  const { rows } = await db.query<{ line: string }>(sql);
  return rows.map((row) => row.line);
}

const CLOCK = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'DD"T"HH24:MI')`;

/** `store code price`, and `gone@ddThh:mm` (UTC) where delisted, in the order of store and code. */
export function currentPrices(db: Pool): Promise<string[]> {
  return lines(
    db,
    `SELECT concat_ws(' ', s.store_code_key, i.item_code, p.price, 'gone@' || ${CLOCK("p.delisted_at")}) AS line
      FROM prices p JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = p.item_id
      ORDER BY s.store_code_key COLLATE "C", i.item_code COLLATE "C"`,
  );
}

/** `store code price@ddThh:mm` (UTC), `-` for a null point, in the order of store, code and time. */
export function history(db: Pool): Promise<string[]> {
  return lines(
    db,
    `SELECT concat_ws(' ', s.store_code_key, i.item_code, coalesce(h.price::text, '-') || '@' || ${CLOCK("h.valid_from")}) AS line
      FROM price_history h JOIN stores s ON s.id = h.store_id JOIN items i ON i.id = h.item_id
      ORDER BY s.store_code_key COLLATE "C", i.item_code COLLATE "C", h.valid_from`,
  );
}

/** The whole export, table by table. */
export async function exported(db: Pool): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), "gogobe-export-"));
  try {
    const tables = await exportTables(db, directory);
    return Object.fromEntries(
      await Promise.all(tables.map(async ({ name, path }) => [name, await readFile(path, "utf8")] as const)),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Empties every table, so that one database serves many tests. */
export async function emptyTables(db: Pool): Promise<void> {
  await db.query(`TRUNCATE chains, files, stores, items, master_products, product_master_links, prices, price_history, promotions,
    promotion_items, promotion_clubs, full_files, batches, rejected_rows, item_wordings, maintenance RESTART IDENTITY CASCADE`);
}
