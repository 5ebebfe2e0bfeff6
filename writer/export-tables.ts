import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Pool, PoolClient } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { settleMasters } from "./settle-masters.ts";

/** One file of an export. */
export interface ExportedTable {
  name: string;
  path: string;
  rows: number;
}

/**
 * Writes every table that users read into `<directory>/<table>.csv`: sorted, natural keys instead of surrogate ids, no load times. Two
 * databases with the same content give the same bytes, whatever the order they were loaded in. One snapshot of the database, streamed.
 */
export async function exportTables(db: Pool, directory: string): Promise<ExportedTable[]> {
  await mkdir(directory, { recursive: true });
  await settleMasters(db);
  const client = await db.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1");
    const exported: ExportedTable[] = [];
    for (const [name, query] of Object.entries(EXPORTS))
      exported.push(await exportTable(client, directory, name, query));
    await client.query("COMMIT");
    return exported;
  } catch (error) {
    // A COPY that broke off leaves the connection in the middle of it.
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function exportTable(client: PoolClient, directory: string, name: string, query: string): Promise<ExportedTable> {
  const path = join(directory, `${name}.csv`);
  const source = client.query(copyTo(`COPY (${query}) TO STDOUT WITH (FORMAT csv, HEADER)`));
  await pipeline(source, createWriteStream(path));
  return { name, path, rows: source.rowCount };
}

const STORE = `s.chain_id COLLATE "C" AS chain_id, s.store_code_key COLLATE "C" AS store`;
const ITEM = `i.chain COLLATE "C" AS chain, i.item_code COLLATE "C" AS item_code`;
const FILE = `f.chain COLLATE "C" AS file_chain, f.file_name COLLATE "C" AS file_name, f.revision AS file_revision`;

/** Queries end in an order that no two rows share; numbers are columns of the query. */
const EXPORTS: Record<string, string> = {
  chains: `SELECT chain, chain_id, name, portal, status FROM chains ORDER BY chain COLLATE "C"`,
  stores: `
    SELECT ${STORE}, s.store_code, s.chain, s.sub_chain_code, s.sub_chain_name, s.name, s.store_type, s.address, s.city, s.zip_code,
      s.latitude, s.longitude, s.chain_name, s.check_digit, s.updated_at, s.extra, s.heard_at, ${FILE}
    FROM stores s LEFT JOIN files f ON f.file_id = s.file_id
    ORDER BY 1, 2`,
  items: `
    SELECT ${ITEM}, i.name, i.manufacturer, i.manufacturer_description, i.country, i.unit, i.quantity, i.unit_qty, i.unit_of_measure,
      i.qty_in_package, i.weighted, i.item_type, i.gtin
    FROM items i ORDER BY 1, 2`,
  // A master product that no item points at any more is a trace of the way, not content.
  master_products: `
    SELECT m.master_key COLLATE "C" AS master_key, m.gtin, m.name, m.brand, m.quantity, m.unit
    FROM master_products m
    WHERE EXISTS (SELECT FROM product_master_links l WHERE l.master_id = m.id)
    ORDER BY 1`,
  product_master_links: `
    SELECT ${ITEM}, m.master_key, l.method, l.confidence
    FROM product_master_links l JOIN items i ON i.id = l.item_id JOIN master_products m ON m.id = l.master_id
    ORDER BY 1, 2`,
  prices: `
    SELECT ${STORE}, ${ITEM}, p.price, p.unit_price, p.updated_at, p.item_status, p.allow_discount, p.internal_id, p.extra,
      p.version, p.row_number, p.seen_version, p.delisted_at, ${FILE}
    FROM prices p JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = p.item_id LEFT JOIN files f ON f.file_id = p.file_id
    ORDER BY 1, 2, 3, 4`,
  price_history: `
    SELECT ${STORE}, ${ITEM}, h.valid_from, h.price, ${FILE}
    FROM price_history h JOIN stores s ON s.id = h.store_id JOIN items i ON i.id = h.item_id LEFT JOIN files f ON f.file_id = h.file_id
    ORDER BY 1, 2, 3, 4, 5`,
  promotions: `
    SELECT ${STORE}, p.promotion_code COLLATE "C" AS promotion_code, p.description, p.updated_at, p.starts_at, p.ends_at, p.days,
      p.reward_type, p.allow_multiple, p.weighted, p.min_qty, p.max_qty, p.min_purchase_amount, p.min_amount, p.max_amount,
      p.discount_rate, p.discount_type, p.discounted_price, p.discounted_price_per_unit, p.derived_unit_price, p.derived_rule,
      p.min_items_offered, p.weight_unit, p.redemption_limit, p.is_coupon, p.gift_count, p.is_total, p.is_active, p.min_basket_amount,
      p.restrictions, p.remarks, p.groups, p.extra, p.version, p.row_number, p.seen_version, p.withdrawn_at, ${FILE}
    FROM promotions p JOIN stores s ON s.id = p.store_id LEFT JOIN files f ON f.file_id = p.file_id
    ORDER BY 1, 2, 3`,
  promotion_items: `
    SELECT ${STORE}, p.promotion_code COLLATE "C" AS promotion_code, l.position, ${ITEM}, l.is_gift, l.item_type, l.gift_price, l.group_id,
      l.reward_type, l.min_qty, l.max_qty, l.discount_rate, l.discounted_price, l.discounted_price_per_unit, l.weighted, l.extra
    FROM promotion_items l JOIN promotions p ON p.id = l.promotion_id JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = l.item_id
    ORDER BY 1, 2, 3, 4`,
  promotion_clubs: `
    SELECT ${STORE}, p.promotion_code COLLATE "C" AS promotion_code, c.club_code COLLATE "C" AS club_code
    FROM promotion_clubs c JOIN promotions p ON p.id = c.promotion_id JOIN stores s ON s.id = p.store_id
    ORDER BY 1, 2, 3, 4`,
  store_snapshots: `
    SELECT ${STORE}, n.kind COLLATE "C" AS kind, n.version, ${FILE}
    FROM store_snapshots n JOIN stores s ON s.id = n.store_id LEFT JOIN files f ON f.file_id = n.file_id
    ORDER BY 1, 2, 3`,
  files: `
    SELECT ${FILE}, f.chain_id, f.sub_chain_code, f.store_code, f.portal, f.file_type, f.version, f.status, f.complete, f.source_url,
      f.object_uri, f.sha256, f.size_bytes, f.rows_claimed, f.rows_read, f.rows_rejected, f.rows_repeated, f.batch_count, f.dialect, f.encoding, f.container,
      f.header, f.unknown_tags, f.problems, f.error, f.published_at
    FROM files f ORDER BY 1, 2, 3`,
  batches: `
    SELECT ${FILE}, b.parser_version, b.batch_index, b.row_count, b.seen_count, b.batch_count, b.complete
    FROM batches b LEFT JOIN files f ON f.file_id = b.file_id
    ORDER BY 1, 2, 3, 4, 5`,
  rejected_rows: `
    SELECT ${FILE}, r.line, r.reason COLLATE "C" AS reason, r.raw COLLATE "C" AS raw, r.code
    FROM rejected_rows r LEFT JOIN files f ON f.file_id = r.file_id
    ORDER BY 1, 2, 3, 4, 5, 6`,
};
