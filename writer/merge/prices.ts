import type pg from "pg";

/** What a flush did to the prices. */
export interface PriceCounts {
  inserted: number;
  updated: number;
}

/**
 * Resolves the priced rows of this flush to (store, item, file), one row each: the last update wins inside a file. Beside them stands
 * what the table holds, so that nothing below has to look again.
 */
export async function resolveSightings(client: pg.PoolClient): Promise<number> {
  const { rowCount } = await client.query(`
    INSERT INTO stage_sightings
    SELECT store_id, item_id, batch_no, line, version, price, unit_price, updated_at, old_row, old_version, old_file, old_price,
      old_delisted_at,
      lead(version) OVER pair IS NULL,
      late,
      wins,
      reworded,
      -- Late rows come first in the order of versions: after them, what the table holds is the sighting before.
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(version) OVER pair ELSE old_version END,
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(price) OVER pair ELSE old_price END,
      CASE WHEN lag(late) OVER pair IS FALSE THEN lag(batch_no) OVER pair END
    FROM (
      SELECT DISTINCT ON (b.store_id, i.id, b.version)
        b.store_id, i.id AS item_id, s.batch_no, s.line, b.version, s.price, s.unit_price, s.updated_at,
        p.ctid AS old_row, p.version AS old_version, p.file_id AS old_file, p.price AS old_price, p.delisted_at AS old_delisted_at,
        b.version <= p.version IS TRUE AS late,
        (b.version > p.version OR b.version = p.version
          AND (coalesce(s.updated_at, '-infinity'), s.line) >= (coalesce(p.updated_at, '-infinity'), p.row_number)) IS NOT FALSE AS wins,
        (i.name, i.manufacturer, i.country, i.unit, i.quantity, i.weighted, i.gtin)
          IS DISTINCT FROM (s.name, s.manufacturer, s.country, s.unit, s.quantity, s.weighted, s.gtin) AS reworded
      FROM stage_products s
      JOIN stage_batches b USING (batch_no)
      JOIN items i ON i.chain = b.chain AND i.item_code = s.code
      LEFT JOIN prices p ON p.store_id = b.store_id AND p.item_id = i.id
      ORDER BY b.store_id, i.id, b.version, s.updated_at DESC NULLS LAST, s.line DESC
    ) sighting
    WINDOW pair AS (PARTITION BY store_id, item_id ORDER BY version)`);
  return rowCount ?? 0;
}

/**
 * Brings the current prices up to date. An unchanged price still takes the newer version, a narrow update that touches no index:
 * without it a late file between two equal ones would win. Rows are found by their place: under the store's lock nobody moves them.
 */
export async function mergePrices(client: pg.PoolClient): Promise<PriceCounts> {
  const updated = await client.query(`
    UPDATE prices p SET
      price = s.price, unit_price = s.unit_price, updated_at = s.updated_at, version = s.version, row_number = s.line, file_id = b.file_id,
      seen_version = CASE WHEN p.seen_version > s.version THEN p.seen_version END,
      delisted_at = CASE WHEN p.seen_version > s.version THEN p.delisted_at ELSE b.next_full_at END
    FROM stage_sightings s JOIN stage_batches b USING (batch_no)
    WHERE s.newest AND s.wins AND s.old_version IS NOT NULL AND p.ctid = s.old_row`);
  const inserted = await client.query(`
    INSERT INTO prices (store_id, item_id, price, unit_price, updated_at, version, row_number, file_id, delisted_at)
    SELECT s.store_id, s.item_id, s.price, s.unit_price, s.updated_at, s.version, s.line, b.file_id, b.next_full_at
    FROM stage_sightings s JOIN stage_batches b USING (batch_no)
    WHERE s.newest AND s.old_version IS NULL
    ORDER BY s.store_id, s.item_id`);
  return { inserted: inserted.rowCount ?? 0, updated: updated.rowCount ?? 0 };
}
