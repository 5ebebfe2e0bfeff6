import type pg from "pg";
import { isReworded } from "./wording-columns.ts";

/** A staged row with its item, where that is known. */
const ROW = `b.store_id, i.id AS item_id, s.batch_no, s.line, b.version, s.price, s.unit_price, s.updated_at,
        s.item_status, s.allow_discount, s.internal_id, s.extra, ${isReworded("i", "s")} AS reworded`;

/** The fence (OFFSET 0) makes the planner look prices up by item and store: through two outer joins it would take the item alone. */
const KNOWN = `
      SELECT r.*, p.ctid AS old_row, p.version AS old_version, p.file_id AS old_file, p.price AS old_price, p.delisted_at AS old_delisted_at,
        p.store_id IS NOT NULL AS known,
        r.version <= p.version IS TRUE AS late,
        (r.version > p.version OR r.version = p.version
          AND (coalesce(r.updated_at, '-infinity'), r.line) >= (coalesce(p.updated_at, '-infinity'), p.row_number)) IS NOT FALSE AS wins
      FROM (
        SELECT ${ROW}
        FROM stage_products s
        JOIN stage_batches b USING (batch_no)
        LEFT JOIN items i ON i.chain = b.chain AND i.item_code = s.code
        OFFSET 0
      ) r
      LEFT JOIN prices p ON p.item_id = r.item_id AND p.store_id = r.store_id`;

const NEW = `
      SELECT ${ROW},
        NULL::tid AS old_row, NULL AS old_version, NULL::uuid AS old_file, NULL::numeric AS old_price, NULL::timestamptz AS old_delisted_at,
        false AS known, false AS late, true AS wins
      FROM stage_missing m
      JOIN stage_products s USING (batch_no, line)
      JOIN stage_batches b USING (batch_no)
      JOIN items i ON i.chain = b.chain AND i.item_code = s.code`;

/** One row per store, item and file, the last update of the file; beside it the sighting before, in this flush or in the table. */
const sightingsOf = (rows: string) => `
    INSERT INTO stage_sightings
    SELECT store_id, item_id, batch_no, line, version, price, unit_price, updated_at, item_status, allow_discount, internal_id, extra,
      old_row, old_version, old_file, old_price,
      old_delisted_at, known, lead(version) OVER pair IS NULL AND lag(version) OVER pair IS NULL, lead(version) OVER pair IS NULL,
      late, wins, reworded,
      -- Late rows come first in the order of versions: after them, what the table holds is the sighting before.
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(version) OVER pair ELSE old_version END,
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(price) OVER pair ELSE old_price END,
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(batch_no) OVER pair END
    FROM (
      SELECT DISTINCT ON (store_id, item_id, version) *
      FROM ${rows}
      WHERE item_id IS NOT NULL
      ORDER BY store_id, item_id, version, updated_at DESC NULLS LAST, line DESC
    ) sighting
    WINDOW pair AS (PARTITION BY store_id, item_id ORDER BY version)`;

/**
 * Resolves the priced rows of this flush whose items are known, with what the table holds of them, so that nothing below has to look
 * again. Returns how many rows name an item that is not known: they stand in `stage_missing`.
 */
export async function resolveKnown(client: pg.PoolClient): Promise<number> {
  await client.query(`
    WITH resolved AS MATERIALIZED (${KNOWN}
    ), missing AS (
      INSERT INTO stage_missing SELECT batch_no, line FROM resolved WHERE item_id IS NULL
    ) ${sightingsOf("resolved")}`);
  const { rows } = await client.query<{ count: number }>("SELECT count(*)::integer AS count FROM stage_missing");
  return rows[0]?.count ?? 0;
}

/** Resolves the rest when their items are made. No price of them can be in the table: it needs the item, and the store is locked. */
export async function resolveNew(client: pg.PoolClient): Promise<void> {
  await client.query(sightingsOf(`(${NEW}) resolved`));
}
