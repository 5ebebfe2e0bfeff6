import type pg from "pg";

/** Keeps rejected rows with their reason, and where their code could be read, what they count as seen of. */
export async function keepRejected(client: pg.PoolClient): Promise<number> {
  const { rowCount } = await client.query(`
    INSERT INTO rejected_rows (file_id, line, reason, raw, code, store_id, kind, version)
    SELECT b.file_id, r.line, r.reason, r.raw, r.code, CASE WHEN r.code IS NOT NULL THEN b.store_id END, b.kind, b.version
    FROM stage_rejected r JOIN stage_batches b USING (batch_no)`);
  return rowCount ?? 0;
}

/** Most stores have no rejected row at all: then there is nothing to join. */
async function hasRejected(client: pg.PoolClient, kind: "price" | "promo"): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM rejected_rows r
      WHERE r.store_id = ANY (ARRAY(SELECT DISTINCT store_id FROM stage_batches WHERE store_id IS NOT NULL)) AND r.code IS NOT NULL AND r.kind = $1
      LIMIT 1`,
    [kind],
  );
  return rowCount === 1;
}

/** Trusted full files are looked up above the newest file that saw a row. */
const gone = (alias: string, kind: string) => `
  (SELECT t.published_at FROM stage_trusted t
    WHERE t.store_id = ${alias}.store_id AND t.kind = '${kind}' AND t.version > ${alias}.seen ORDER BY t.version LIMIT 1)`;

/**
 * A row that had to be rejected still says that the item is there: it raises what the item was last seen in, not its price.
 * Looks both ways: at rows that come now, and at those kept from before for items that are new now. A null point goes whose full file
 * has such a row: it was made while only a part of a newer reading of that file was there.
 */
export async function countRejectedPrices(client: pg.PoolClient): Promise<void> {
  if (!(await hasRejected(client, "price"))) return;
  await client.query(`
    WITH pairs AS (
      SELECT b.store_id, i.id AS item_id, i.item_code
      FROM stage_rejected r JOIN stage_batches b USING (batch_no)
      JOIN items i ON i.chain = b.chain AND i.item_code = r.code
      WHERE b.kind = 'price'
      UNION
      SELECT s.store_id, s.item_id, i.item_code
      FROM (SELECT DISTINCT store_id FROM stage_batches WHERE kind = 'price') b
      JOIN rejected_rows r ON r.store_id = b.store_id AND r.kind = 'price'
      JOIN stores st ON st.id = b.store_id
      JOIN items i ON i.chain = st.chain AND i.item_code = r.code
      JOIN stage_sightings s ON s.store_id = b.store_id AND s.item_id = i.id AND s.old_version IS NULL
    ), newest AS (
      SELECT p.store_id, p.item_id, max(r.version) AS seen
      FROM pairs p
      JOIN rejected_rows r ON r.store_id = p.store_id AND r.code = p.item_code AND r.kind = 'price'
      GROUP BY p.store_id, p.item_id
    ), changed AS MATERIALIZED (
      SELECT n.store_id, n.item_id, n.seen, ${gone("n", "price")} AS gone_at
      FROM newest n JOIN prices p ON p.store_id = n.store_id AND p.item_id = n.item_id
      WHERE n.seen > coalesce(p.seen_version, p.version)
    ), taken_back AS (
      DELETE FROM price_history h USING changed c, items i, rejected_rows r, stage_trusted t
      WHERE i.id = c.item_id AND r.store_id = c.store_id AND r.code = i.item_code AND r.kind = 'price'
        AND t.store_id = c.store_id AND t.kind = 'price' AND t.version = r.version
        AND h.item_id = c.item_id AND h.store_id = c.store_id AND h.valid_from = t.published_at AND h.price IS NULL
    )
    UPDATE prices p SET seen_version = c.seen, delisted_at = c.gone_at
    FROM changed c
    WHERE p.store_id = c.store_id AND p.item_id = c.item_id`);
}

/** The same for promotions. */
export async function countRejectedPromotions(client: pg.PoolClient): Promise<void> {
  if (!(await hasRejected(client, "promo"))) return;
  await client.query(`
    WITH pairs AS (
      SELECT b.store_id, r.code FROM stage_rejected r JOIN stage_batches b USING (batch_no)
      WHERE b.kind = 'promo' AND r.code IS NOT NULL
      UNION
      SELECT store_id, code FROM stage_offers
    ), newest AS (
      SELECT p.store_id, p.code, max(r.version) AS seen
      FROM pairs p
      JOIN rejected_rows r ON r.store_id = p.store_id AND r.code = p.code AND r.kind = 'promo'
      GROUP BY p.store_id, p.code
    )
    UPDATE promotions p SET seen_version = n.seen, withdrawn_at = ${gone("n", "promo")}
    FROM newest n
    WHERE p.store_id = n.store_id AND p.promotion_code = n.code AND n.seen > coalesce(p.seen_version, p.version)`);
}
