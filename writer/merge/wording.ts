import type pg from "pg";
import { isReworded, setWording, wordingOf } from "./wording-columns.ts";

/**
 * Takes the lock under which the wording of a chain's items changes, in the order of chains, and says whether nobody has changed any
 * since `before`. It is taken last: whoever waits here has its prices in the table, unseen, and looks at everyone's before it decides.
 */
async function lockWordings(client: pg.PoolClient, before: ReadonlyMap<string, string>): Promise<boolean> {
  const { rows } = await client.query<{ chain: string; revision: string }>(
    "SELECT chain, revision FROM item_wordings WHERE chain = ANY($1::text[]) ORDER BY chain FOR UPDATE",
    [[...before.keys()]],
  );
  return rows.every((row) => before.get(row.chain) === row.revision);
}

/** Where the wordings of the chains stand, before this flush looks at items. */
export async function readWordingRevisions(
  client: pg.PoolClient,
  chains: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const sorted = [...new Set(chains)].sort();
  await client.query(
    `INSERT INTO item_wordings (chain)
      SELECT c FROM unnest($1::text[]) AS c WHERE NOT EXISTS (SELECT FROM item_wordings w WHERE w.chain = c) ORDER BY c
      ON CONFLICT DO NOTHING`,
    [sorted],
  );
  const { rows } = await client.query<{ chain: string; revision: string }>(
    "SELECT chain, revision FROM item_wordings WHERE chain = ANY($1::text[])",
    [sorted],
  );
  return new Map(rows.map((row) => [row.chain, row.revision]));
}

/**
 * Gives items the wording of their newest priced sighting in any store. A sighting with the same wording bumps nothing in `items`: how new
 * an item's wording is stands in `prices`, which every sighting raises anyway. Runs after the merge of prices.
 */
export async function settleWording(client: pg.PoolClient, before: ReadonlyMap<string, string>): Promise<number> {
  const unchanged = await lockWordings(client, before);
  const { rowCount } = await client.query(
    `WITH candidates AS (
      SELECT DISTINCT ON (w.item_id) w.item_id, w.version, w.updated_at, w.line, w.batch_no
      FROM stage_sightings w
      WHERE (w.reworded OR $1) AND w.newest AND w.wins
      ORDER BY w.item_id, w.version DESC, w.updated_at DESC NULLS LAST, w.line DESC
    ), reworded AS (
      SELECT c.item_id, c.version, ${wordingOf("s")}, s.gtin
      FROM candidates c
      JOIN stage_products s ON s.batch_no = c.batch_no AND s.line = c.line
      JOIN items i ON i.id = c.item_id
      WHERE ${isReworded("i", "s")}
        AND NOT EXISTS (
          SELECT FROM prices p
          WHERE p.item_id = c.item_id
            AND (p.version, coalesce(p.updated_at, '-infinity'), p.row_number) > (c.version, coalesce(c.updated_at, '-infinity'), c.line))
    ), updated AS (
      UPDATE items i SET ${setWording("r")}, gtin = r.gtin, version = r.version
      FROM reworded r WHERE i.id = r.item_id
      RETURNING i.chain
    )
    UPDATE item_wordings w SET revision = revision + 1 WHERE w.chain IN (SELECT chain FROM updated)`,
    [!unchanged],
  );
  return rowCount ?? 0;
}

/**
 * An item whose code means another product now (its GTIN changed with its newest sighting) follows it to that master product. Links that
 * a person or the vector search decided stay. Runs under the lock of the wordings, after them.
 */
export async function followChangedCodes(client: pg.PoolClient): Promise<void> {
  await client.query(`
    UPDATE product_master_links l SET master_id = s.master_id, method = s.method, confidence = s.confidence
    FROM stage_items s
    JOIN items i ON i.chain = s.chain AND i.item_code = s.code AND i.gtin IS NOT DISTINCT FROM s.gtin
    JOIN master_products m ON m.id = s.master_id AND m.master_key = s.master_key
    WHERE s.known AND l.item_id = i.id AND l.method IN ('barcode', 'own') AND l.master_id <> s.master_id`);
}
