import type pg from "pg";

/** What a flush did to the prices. */
export interface PriceCounts {
  inserted: number;
  updated: number;
}

/**
 * Brings the current prices up to date. An unchanged price still takes the newer version, a narrow update that touches no index:
 * without it a late file between two equal ones would win. Rows are found by their place: under the store's lock nobody moves them.
 */
export async function mergePrices(client: pg.PoolClient): Promise<PriceCounts> {
  const updated = await client.query(`
    UPDATE prices p SET
      price = s.price, unit_price = s.unit_price, updated_at = s.updated_at, item_status = s.item_status,
      allow_discount = s.allow_discount, internal_id = s.internal_id, extra = s.extra, version = s.version, row_number = s.line, file_id = b.file_id,
      seen_version = CASE WHEN p.seen_version > s.version THEN p.seen_version END,
      delisted_at = CASE WHEN p.seen_version > s.version THEN p.delisted_at ELSE b.next_full_at END
    FROM stage_sightings s JOIN stage_batches b USING (batch_no)
    WHERE s.newest AND s.wins AND s.known AND p.ctid = s.old_row`);
  const inserted = await client.query(`
    INSERT INTO prices (store_id, item_id, price, unit_price, updated_at, item_status, allow_discount, internal_id, extra, version,
      row_number, file_id, delisted_at)
    SELECT s.store_id, s.item_id, s.price, s.unit_price, s.updated_at, s.item_status, s.allow_discount, s.internal_id, s.extra, s.version, s.line, b.file_id, b.next_full_at
    FROM stage_sightings s JOIN stage_batches b USING (batch_no)
    WHERE s.newest AND NOT s.known
    ORDER BY s.store_id, s.item_id`);
  return { inserted: inserted.rowCount ?? 0, updated: updated.rowCount ?? 0 };
}
