import type pg from "pg";
import { NO_WORDING, wordingOf } from "./wording-columns.ts";

/** A master product id that two keys claim: never merged, always told. */
export interface MasterConflict {
  fileId: string;
  masterId: string;
  offeredKey: string;
  knownKey: string;
}

/**
 * Makes the items that this flush names for the first time. All rows of one table go in through one statement in the order of its
 * key, so that two writers wait for each other and never deadlock; what is there already is left out beforehand, so that no
 * sequence values are burnt. Returns how many were missing.
 */
export async function addNewItems(client: pg.PoolClient): Promise<number> {
  const staged = await client.query(STAGE_NEW_ITEMS);
  if (!staged.rowCount) return 0;
  await client.query(ADD_ITEMS);
  return staged.rowCount;
}

/**
 * Makes the master products of new items, and of items whose code means another product now, and links the new ones. After the sightings
 * are resolved. Two keys on one id are never merged: the item stays without a link, and the conflict is returned.
 */
export async function addMasters(client: pg.PoolClient, newItems: number): Promise<MasterConflict[]> {
  const changed = await client.query(STAGE_CHANGED_CODES);
  if (newItems === 0 && changed.rowCount === 0) return [];
  const { rows: made } = await client.query<{ complete: boolean }>(ADD_MASTERS);
  const { rows: clashes } = await client.query<Clash>(TAKE_OUT_CLASHES);
  // Less went in than was missing: another writer was faster, or the key has another id.
  if (!made[0]?.complete) clashes.push(...(await client.query<Clash>(TAKE_OUT_UNMADE)).rows);
  if (newItems > 0) await client.query(ADD_LINKS);
  return clashes.map(({ file_id, id, offered, known }) => ({
    fileId: file_id,
    masterId: id,
    offeredKey: offered,
    knownKey: known,
  }));
}

interface Clash {
  file_id: string;
  id: string;
  offered: string;
  known: string;
}

const STAGE_NEW_ITEMS = `
  INSERT INTO stage_items
  SELECT DISTINCT ON (chain, code) chain, code, gtin, master_id, master_key, method, confidence, ${wordingOf()}, version, file_id, false
  FROM (
    SELECT b.chain, s.code, s.gtin, s.master_id, s.master_key, s.method, s.confidence, ${wordingOf("s")}, b.version, b.file_id, s.updated_at, s.line
    FROM stage_missing JOIN stage_products s USING (batch_no, line) JOIN stage_batches b USING (batch_no)
    UNION ALL
    -- A promotion names a code and says nothing of its wording.
    SELECT b.chain, l.code, l.gtin, l.master_id, l.master_key, l.method, l.confidence, ${NO_WORDING},
      NULL, b.file_id, NULL, l.line
    FROM stage_promotion_items l JOIN stage_batches b USING (batch_no)
    WHERE NOT EXISTS (SELECT FROM items i WHERE i.chain = b.chain AND i.item_code = l.code)
  ) n
  ORDER BY chain, code, version DESC NULLS LAST, updated_at DESC NULLS LAST, line DESC`;

const ADD_ITEMS = `
  INSERT INTO items (chain, item_code, ${wordingOf()}, gtin, version)
  SELECT chain, code, ${wordingOf()}, gtin, version
  FROM stage_items
  ORDER BY chain, code
  ON CONFLICT DO NOTHING`;

const STAGE_CHANGED_CODES = `
  INSERT INTO stage_items
  SELECT i.chain, s.code, s.gtin, s.master_id, s.master_key, s.method, s.confidence, ${wordingOf("s")},
    w.version, b.file_id, true
  FROM stage_sightings w
  JOIN stage_batches b USING (batch_no)
  JOIN stage_products s ON s.batch_no = w.batch_no AND s.line = w.line
  JOIN items i ON i.id = w.item_id
  WHERE w.reworded AND i.gtin IS DISTINCT FROM s.gtin`;

/** With the wording of its first item; `settleMasters` gives it that of the newest sighting. */
const ADD_MASTERS = `
  WITH wanted AS (
    SELECT DISTINCT ON (master_id) master_id, master_key, CASE WHEN master_key LIKE 'gtin:%' THEN substr(master_key, 6) END AS gtin,
      name, manufacturer, quantity, unit
    FROM stage_items s
    WHERE NOT EXISTS (SELECT FROM master_products m WHERE m.id = s.master_id)
    ORDER BY master_id, master_key
  ), added AS (
    INSERT INTO master_products (id, master_key, gtin, name, brand, quantity, unit)
    SELECT * FROM wanted ORDER BY master_id
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM wanted) = (SELECT count(*) FROM added) AS complete`;

const TAKE_OUT_CLASHES = `
  DELETE FROM stage_items s USING master_products m
  WHERE m.id = s.master_id AND m.master_key <> s.master_key
  RETURNING s.file_id, s.master_id AS id, s.master_key AS offered, m.master_key AS known`;

const TAKE_OUT_UNMADE = `
  DELETE FROM stage_items s USING master_products m
  WHERE m.master_key = s.master_key AND m.id <> s.master_id
  RETURNING s.file_id, s.master_id AS id, s.master_key AS offered, m.master_key || ' under another id' AS known`;

const ADD_LINKS = `
  INSERT INTO product_master_links (item_id, master_id, method, confidence)
  SELECT i.id, s.master_id, s.method, s.confidence
  FROM stage_items s
  JOIN items i ON i.chain = s.chain AND i.item_code = s.code
  WHERE NOT s.known
  ORDER BY i.id
  ON CONFLICT DO NOTHING`;
