import type { Pool } from "pg";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { applyBatches, type ApplyDeps, type ApplyResult } from "../../../writer/apply.ts";

export const testDeps = (): ApplyDeps => ({ log: createLog({ level: "silent" }), metrics: createMetrics() });

export function apply(db: Pool, messages: readonly unknown[]): Promise<ApplyResult> {
  return applyBatches(db, messages, testDeps());
}

/** One column of text lines. */
export async function lines(db: Pool, sql: string): Promise<string[]> {
  const { rows } = await db.query<{ line: string }>(sql);
  return rows.map((row) => row.line);
}

/** `store code price`, and `gone@time` where delisted, in the order of store and code. */
export function currentPrices(db: Pool): Promise<string[]> {
  return lines(
    db,
    `SELECT concat_ws(' ', s.store_code_key, i.item_code, p.price,
        'gone@' || to_char(p.delisted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI')) AS line
      FROM prices p JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = p.item_id
      ORDER BY s.store_code_key COLLATE "C", i.item_code COLLATE "C"`,
  );
}

/** `store code price@time`, `-` for a null point, in the order of store, code and time. */
export function history(db: Pool): Promise<string[]> {
  return lines(
    db,
    `SELECT concat_ws(' ', s.store_code_key, i.item_code, coalesce(h.price::text, '-') || '@' ||
        to_char(h.valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI')) AS line
      FROM price_history h JOIN stores s ON s.id = h.store_id JOIN items i ON i.id = h.item_id
      ORDER BY s.store_code_key COLLATE "C", i.item_code COLLATE "C", h.valid_from`,
  );
}
