import type pg from "pg";

/**
 * Gives every master product the wording of the item that was sighted last among those linked to it (ties: the smaller chain and
 * code), and touches only those that differ. A pure function of links, items and prices, so it does not depend on what was loaded first.
 * Returns how many changed.
 */
export async function settleMasters(db: Pick<pg.Pool, "query">): Promise<number> {
  const { rowCount } = await db.query(`
    WITH sightings AS (
      SELECT item_id, max(version) AS version FROM prices GROUP BY item_id
    ), newest AS (
      SELECT DISTINCT ON (l.master_id) l.master_id, i.name, i.manufacturer AS brand, i.quantity, i.unit
      FROM product_master_links l
      JOIN items i ON i.id = l.item_id
      LEFT JOIN sightings s ON s.item_id = i.id
      ORDER BY l.master_id, s.version DESC NULLS LAST, i.chain COLLATE "C", i.item_code COLLATE "C"
    ), differing AS (
      SELECT n.*
      FROM newest n JOIN master_products m ON m.id = n.master_id
      WHERE (m.name, m.brand, m.quantity, m.unit) IS DISTINCT FROM (n.name, n.brand, n.quantity, n.unit)
    ), locked AS (
      -- In the order of ids, like every other statement that takes several masters.
      SELECT m.id FROM master_products m WHERE m.id IN (SELECT master_id FROM differing) ORDER BY m.id FOR NO KEY UPDATE
    )
    UPDATE master_products m SET name = d.name, brand = d.brand, quantity = d.quantity, unit = d.unit
    FROM differing d JOIN locked ON locked.id = d.master_id
    WHERE m.id = d.master_id`);
  return rowCount ?? 0;
}
