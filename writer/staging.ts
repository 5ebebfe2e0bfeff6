import type pg from "pg";

/**
 * Temporary tables of one connection, emptied at every commit. Rows carry the number of their batch instead of repeating file id
 * and version. Column order is the order of the fields in `stage-rows.ts`.
 */
const TABLES = `
CREATE TEMP TABLE stage_batches (
  batch_no integer, file_id uuid, chain text, store_id integer, kind text, version text COLLATE "C", published_at timestamptz,
  parser_version integer,
  -- Trusted full files of the store around this version: the newest below it, the oldest above it.
  prior_full text COLLATE "C", next_full text COLLATE "C", next_full_at timestamptz, next_full_file uuid
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_trusted (
  store_id integer, kind text, version text COLLATE "C", published_at timestamptz, file_id uuid
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_products (
  batch_no integer, line integer, code text, price numeric, unit_price numeric, updated_at timestamptz,
  gtin text, master_id bigint, master_key text, method text, confidence real,
  name text, manufacturer text, manufacturer_description text, country text, unit text, quantity numeric, unit_qty text,
  unit_of_measure text, qty_in_package numeric, weighted boolean, item_type text,
  item_status text, allow_discount boolean, internal_id text, extra jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_rejected (
  batch_no integer, line integer, reason text, raw text, code text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_items (
  chain text, code text, gtin text, master_id bigint, master_key text, method text, confidence real,
  name text, manufacturer text, manufacturer_description text, country text, unit text, quantity numeric, unit_qty text,
  unit_of_measure text, qty_in_package numeric, weighted boolean, item_type text,
  version text COLLATE "C", file_id uuid,
  -- True for an item that is there already and whose code means another product now.
  known boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_missing (
  batch_no integer, line integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_sightings (
  store_id integer, item_id bigint, batch_no integer, line integer, version text COLLATE "C", price numeric, unit_price numeric,
  updated_at timestamptz, item_status text, allow_discount boolean, internal_id text, extra jsonb, old_row tid, old_version text COLLATE "C", old_file uuid, old_price numeric, old_delisted_at timestamptz,
  -- In the table; the only one of its pair in this flush; the newest of them; not newer than what the table holds; wins over what the table holds; worded otherwise than the item.
  known boolean, alone boolean, newest boolean, late boolean, wins boolean, reworded boolean,
  -- The sighting before this one, in this flush or in the table; null when there is none.
  before_version text COLLATE "C", before_price numeric, before_batch integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_promotions (
  batch_no integer, line integer, code text, content_hash text, description text, updated_at timestamptz, starts_at timestamptz,
  ends_at timestamptz, days text, reward_type text, allow_multiple boolean, weighted boolean, min_qty numeric, max_qty numeric,
  min_purchase_amount numeric, min_amount numeric, max_amount numeric, discount_rate numeric, discount_type text,
  discounted_price numeric, discounted_price_per_unit numeric, derived_unit_price numeric, derived_rule text,
  min_items_offered numeric, weight_unit text, redemption_limit text, is_coupon boolean, gift_count numeric, is_total boolean,
  is_active boolean, min_basket_amount numeric, restrictions text, remarks jsonb, groups jsonb, extra jsonb, clubs jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_promotion_items (
  batch_no integer, line integer, position integer, code text, gtin text, master_id bigint, master_key text, method text,
  confidence real, is_gift boolean, item_type text, gift_price numeric, group_id text, reward_type text, min_qty numeric,
  max_qty numeric, discount_rate numeric, discounted_price numeric, discounted_price_per_unit numeric, weighted boolean,
  extra jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_offers (
  store_id integer, code text, batch_no integer, line integer, version text COLLATE "C", content_hash text,
  promotion_id bigint, changed boolean
) ON COMMIT DELETE ROWS;
`;

const prepared = new WeakSet<pg.PoolClient>();

/** Makes the staging tables of a connection, once for its life. Outside a transaction. */
export async function ensureStaging(client: pg.PoolClient): Promise<void> {
  if (prepared.has(client)) return;
  await client.query(TABLES);
  prepared.add(client);
}
