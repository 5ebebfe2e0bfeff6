import type pg from "pg";

/** A pair that the table did not hold, sighted once: its only point is its price. */
const FIRST_AND_ONLY = "NOT s.known AND s.alone AND b.next_full IS NULL";

/**
 * A pair that was delisted and is seen again may owe its null point to a full file that is not trusted any more, or that follows another
 * one now. What is left is the point of the first trusted full file after a sighting.
 */
const TAKE_BACK_DELISTINGS = `
  DELETE FROM price_history h USING stage_sightings s
  WHERE s.newest AND s.old_delisted_at IS NOT NULL
    AND h.item_id = s.item_id AND h.store_id = s.store_id AND h.valid_from = s.old_delisted_at AND h.price IS NULL
    AND NOT EXISTS (
      SELECT FROM stage_trusted t
      WHERE t.store_id = s.store_id AND t.kind = 'price' AND t.published_at = s.old_delisted_at AND NOT EXISTS (
        SELECT FROM stage_trusted earlier
        WHERE earlier.store_id = t.store_id AND earlier.kind = 'price' AND earlier.version < t.version AND earlier.version > greatest(
          s.old_version,
          (SELECT max(x.version) FROM stage_sightings x WHERE x.store_id = s.store_id AND x.item_id = s.item_id AND x.version < t.version))))`;

/**
 * Adds the points where a price changes, for files that are newer than what the table held of their items. A trusted full file between
 * two sightings means that the item was gone: a null point there, and a point for its return even at the same price.
 * Of several points at one moment the one of the highest version stays. The first point of a pair cannot meet another one, so most rows of
 * a first load go in without looking.
 */
export async function addHistory(client: pg.PoolClient): Promise<void> {
  await client.query(TAKE_BACK_DELISTINGS);
  await client.query(`
    INSERT INTO price_history (store_id, item_id, price, valid_from, file_id)
    SELECT s.store_id, s.item_id, s.price, b.published_at, b.file_id
    FROM stage_sightings s JOIN stage_batches b USING (batch_no)
    WHERE ${FIRST_AND_ONLY}
    ORDER BY s.item_id, s.store_id`);
  await client.query(`
    WITH sightings AS MATERIALIZED (
      SELECT s.*, b.published_at, b.file_id, b.next_full, b.next_full_at, b.next_full_file,
        CASE WHEN s.before_version < b.prior_full THEN NOT EXISTS (
          -- A row that had to be rejected says that the item was there all the same.
          SELECT FROM items i JOIN rejected_rows r ON r.store_id = s.store_id AND r.code = i.item_code AND r.kind = 'price'
          WHERE i.id = s.item_id AND r.version >= b.prior_full AND r.version < s.version
        ) ELSE false END AS after_gap
      FROM stage_sightings s JOIN stage_batches b USING (batch_no)
      WHERE NOT s.late AND NOT (${FIRST_AND_ONLY})
    ), points AS (
      SELECT store_id, item_id, price, published_at AS valid_from, file_id, version
      FROM sightings
      WHERE before_version IS NULL OR after_gap OR price IS DISTINCT FROM before_price
      UNION ALL
      SELECT s.store_id, s.item_id, NULL, gone.published_at, gone.file_id, gone.version
      FROM sightings s JOIN prices p ON p.store_id = s.store_id AND p.item_id = s.item_id CROSS JOIN LATERAL (
        SELECT t.published_at, t.file_id, t.version FROM stage_trusted t
        WHERE t.store_id = s.store_id AND t.kind = 'price' AND t.version > coalesce(p.seen_version, p.version)
        ORDER BY t.version LIMIT 1
      ) gone
      WHERE s.newest AND s.next_full IS NOT NULL
      UNION ALL
      SELECT s.store_id, s.item_id, NULL, gone.published_at, gone.file_id, gone.version
      FROM sightings s CROSS JOIN LATERAL (
        SELECT t.published_at, t.file_id, t.version FROM stage_trusted t
        WHERE t.store_id = s.store_id AND t.kind = 'price' AND t.version > s.before_version
        ORDER BY t.version LIMIT 1
      ) gone
      WHERE s.after_gap AND (s.before_batch IS NOT NULL OR s.old_delisted_at IS NULL)
    )
    INSERT INTO price_history (store_id, item_id, price, valid_from, file_id)
    SELECT DISTINCT ON (item_id, store_id, valid_from) store_id, item_id, price, valid_from, file_id
    FROM points
    ORDER BY item_id, store_id, valid_from, version DESC
    ON CONFLICT (item_id, store_id, valid_from) DO UPDATE SET price = EXCLUDED.price, file_id = EXCLUDED.file_id`);
}

/**
 * Fits files into the history that are not newer than what the table held: each file adds its own point where it differs from the one
 * before, takes away a following point that it makes redundant, and hands back to what stood at its moment until now at the next
 * sighting that is known (the next trusted full file, or the newest row) when that one had left no point because nothing had changed.
 * One round per file, in the order of versions.
 */
export async function addLateHistory(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    "SELECT DISTINCT version FROM stage_sightings WHERE late ORDER BY version",
  );
  for (const { version } of rows) await client.query(LATE_FILE, [version]);
}

/** The published moment is the head of a version (`fileVersionOf`). */
const OLD_PUBLISHED_AT = `to_timestamp(left(s.old_version, 14) || '+00', 'YYYYMMDDHH24MISSTZH')`;

const LATE_FILE = `
  WITH sightings AS MATERIALIZED (
    SELECT s.store_id, s.item_id, s.price, b.published_at, b.file_id, before.price AS before_price, before.valid_from AS before_at,
      CASE WHEN own.item_id IS NULL THEN before.price ELSE own.price END AS standing_price, following.valid_from AS following_at, following.price AS following_price,
      -- The next moment at which this item was looked at, whatever was seen.
      CASE WHEN s.old_version > s.version AND (b.next_full IS NULL OR b.next_full > s.old_version) THEN ${OLD_PUBLISHED_AT}
        ELSE b.next_full_at END AS restore_at,
      CASE WHEN s.old_version > s.version AND (b.next_full IS NULL OR b.next_full > s.old_version) THEN s.old_file
        ELSE b.next_full_file END AS restore_file
    FROM stage_sightings s
    JOIN stage_batches b USING (batch_no)
    LEFT JOIN LATERAL (
      SELECT h.price, h.valid_from FROM price_history h
      WHERE h.item_id = s.item_id AND h.store_id = s.store_id AND h.valid_from < b.published_at
      ORDER BY h.valid_from DESC LIMIT 1
    ) before ON true
    LEFT JOIN price_history own ON own.item_id = s.item_id AND own.store_id = s.store_id AND own.valid_from = b.published_at
    LEFT JOIN LATERAL (
      SELECT h.price, h.valid_from FROM price_history h
      WHERE h.item_id = s.item_id AND h.store_id = s.store_id AND h.valid_from > b.published_at
      ORDER BY h.valid_from LIMIT 1
    ) following ON true
    LEFT JOIN files own_of ON own_of.file_id = own.file_id
    WHERE s.version = $1 AND s.late
      -- A row that loses inside its own file says nothing; nor does a file whose moment belongs to a later version.
      AND (s.wins OR s.version < s.old_version)
      AND (own_of.version IS NULL OR own_of.version <= s.version)
      AND (s.version = s.old_version OR left(s.version, 14) <> left(s.old_version, 14))
  ), judged AS MATERIALIZED (
    SELECT *, before_at IS NULL OR before_price IS DISTINCT FROM price AS changes,
      standing_price IS DISTINCT FROM price AND (following_at IS NULL OR restore_at < following_at)
        AND restore_at > published_at AS restores
    FROM sightings
  ), redundant AS (
    DELETE FROM price_history h USING judged j
    WHERE h.item_id = j.item_id AND h.store_id = j.store_id AND (
      (NOT j.changes AND h.valid_from = j.published_at)
      OR (j.restores IS NOT TRUE AND j.following_price = j.price AND h.valid_from = j.following_at))
  )
  INSERT INTO price_history (store_id, item_id, price, valid_from, file_id)
  SELECT store_id, item_id, price, published_at, file_id FROM judged WHERE changes
  UNION ALL
  SELECT store_id, item_id, standing_price, restore_at, restore_file FROM judged WHERE restores
  ORDER BY 2, 1, 4
  ON CONFLICT (item_id, store_id, valid_from) DO UPDATE SET price = EXCLUDED.price, file_id = EXCLUDED.file_id`;

/**
 * Takes away what a newer reading of a file leaves behind: a point at its moment that says the same as the one before it, because only
 * the older reading had differed. `fileIds`: files of which an older parser version had loaded batches.
 */
export async function dropRepeatedPoints(client: pg.PoolClient, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await client.query(
    `DELETE FROM price_history h USING stage_sightings s JOIN stage_batches b USING (batch_no)
     WHERE b.file_id = ANY($1::uuid[]) AND NOT s.late
       AND h.item_id = s.item_id AND h.store_id = s.store_id AND h.valid_from = b.published_at
       AND h.price = (
         SELECT x.price FROM price_history x
         WHERE x.item_id = h.item_id AND x.store_id = h.store_id AND x.valid_from < h.valid_from
         ORDER BY x.valid_from DESC LIMIT 1)`,
    [fileIds],
  );
}
