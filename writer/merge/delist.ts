import type pg from "pg";

/** Versions below which, and times from which on, rows of a store may have to change, because full files there are new or judged anew. */
const CHANGED = `
  SELECT c.store_id, c.kind, max(n.version) AS below, min(n.published_at) AS since
  FROM (SELECT store_id, kind, version, file_id FROM full_files WHERE file_id = ANY($1::uuid[])) c
  CROSS JOIN LATERAL (
    -- A new file changes at most what is thought of itself and of its neighbours.
    (SELECT f.version, f.published_at FROM full_files f
      WHERE f.store_id = c.store_id AND f.kind = c.kind AND f.version <= c.version AND (f.complete OR f.file_id = c.file_id)
      ORDER BY f.version DESC LIMIT 2)
    UNION ALL
    (SELECT f.version, f.published_at FROM full_files f
      WHERE f.store_id = c.store_id AND f.kind = c.kind AND f.version > c.version AND f.complete
      ORDER BY f.version LIMIT 1)
  ) n
  GROUP BY c.store_id, c.kind`;

const TRUSTED = `
  SELECT t.store_id, t.kind, t.version, t.published_at, t.file_id
  FROM full_file_trust t JOIN changed USING (store_id, kind)
  WHERE t.trusted AND t.published_at >= changed.since`;

/**
 * Every price of a store is delisted at the oldest trusted full file above the newest file that saw it, and current when there is none.
 * Brings the rows that differ in line, and the null points of their history. `fileIds`: full files that are new or judged anew.
 */
export async function delistPrices(client: pg.PoolClient, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await client.query(
    `WITH changed AS MATERIALIZED (${CHANGED}), trusted AS MATERIALIZED (${TRUSTED}), targets AS MATERIALIZED (
      SELECT p.store_id, p.item_id, p.delisted_at AS old_at, n.published_at AS new_at, n.file_id
      FROM changed c
      JOIN prices p ON p.store_id = c.store_id AND coalesce(p.seen_version, p.version) < c.below
        AND (p.delisted_at IS NULL OR p.delisted_at >= c.since)
      LEFT JOIN LATERAL (
        SELECT t.published_at, t.file_id FROM trusted t
        WHERE t.store_id = p.store_id AND t.kind = 'price' AND t.version > coalesce(p.seen_version, p.version)
        ORDER BY t.version LIMIT 1
      ) n ON true
      WHERE c.kind = 'price' AND p.delisted_at IS DISTINCT FROM n.published_at
    ), updated AS (
      UPDATE prices p SET delisted_at = t.new_at
      FROM targets t WHERE p.store_id = t.store_id AND p.item_id = t.item_id
    ), taken_back AS (
      DELETE FROM price_history h USING targets t
      WHERE h.item_id = t.item_id AND h.store_id = t.store_id AND h.valid_from = t.old_at AND h.price IS NULL
    )
    INSERT INTO price_history (store_id, item_id, price, valid_from, file_id)
    SELECT store_id, item_id, NULL, new_at, file_id FROM targets WHERE new_at IS NOT NULL
    ORDER BY item_id, store_id
    ON CONFLICT (item_id, store_id, valid_from) DO UPDATE SET price = NULL, file_id = EXCLUDED.file_id`,
    [fileIds],
  );
}

/** The same for promotions, which have no history. */
export async function withdrawPromotions(client: pg.PoolClient, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await client.query(
    `WITH changed AS MATERIALIZED (${CHANGED}), trusted AS MATERIALIZED (${TRUSTED})
    UPDATE promotions p SET withdrawn_at = targets.new_at
    FROM (
      SELECT p.id, n.published_at AS new_at
      FROM changed c
      JOIN promotions p ON p.store_id = c.store_id AND coalesce(p.seen_version, p.version) < c.below
        AND (p.withdrawn_at IS NULL OR p.withdrawn_at >= c.since)
      LEFT JOIN LATERAL (
        SELECT t.published_at FROM trusted t
        WHERE t.store_id = p.store_id AND t.kind = 'promo' AND t.version > coalesce(p.seen_version, p.version)
        ORDER BY t.version LIMIT 1
      ) n ON true
      WHERE c.kind = 'promo' AND p.withdrawn_at IS DISTINCT FROM n.published_at
    ) targets
    WHERE p.id = targets.id`,
    [fileIds],
  );
}
