/** Codes of a store as it is published, in place of its surrogate id. */
const STORE = `s.chain_id, s.store_code_key AS store_code`;
/** Code of an item in place of its surrogate id. */
const ITEM = `i.chain, i.item_code`;

/**
 * One query per exported table, by file name. No surrogate ids (they depend on who came first), no load times; numbers without the
 * trailing zeros that depend on which of two equal files came last; sorted by a key in byte order.
 */
export const EXPORTED: Record<string, string> = {
  chains: `SELECT chain, chain_id, name, portal, status FROM chains ORDER BY chain COLLATE "C"`,

  stores: `SELECT s.chain, ${STORE}, s.store_code AS published_store_code, s.sub_chain_code, s.sub_chain_name, s.name, s.store_type, s.address, s.city,
      s.zip_code, trim_scale(s.latitude) AS latitude, trim_scale(s.longitude) AS longitude, s.heard_at, s.version, s.file_id
    FROM stores s ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C"`,

  items: `SELECT ${ITEM}, i.name, i.manufacturer, i.country, i.unit, trim_scale(i.quantity) AS quantity, i.weighted, i.gtin, i.version
    FROM items i ORDER BY i.chain COLLATE "C", i.item_code COLLATE "C"`,

  master_products: `SELECT id, master_key, gtin, name, brand, trim_scale(quantity) AS quantity, unit FROM master_products ORDER BY id`,

  product_master_links: `SELECT ${ITEM}, l.master_id, l.method, l.confidence FROM product_master_links l JOIN items i ON i.id = l.item_id
    ORDER BY i.chain COLLATE "C", i.item_code COLLATE "C"`,

  prices: `SELECT ${STORE}, ${ITEM}, trim_scale(p.price) AS price, trim_scale(p.unit_price) AS unit_price, p.updated_at, p.version, p.file_id, p.delisted_at
    FROM prices p JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = p.item_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", i.chain COLLATE "C", i.item_code COLLATE "C"`,

  price_history: `SELECT ${STORE}, ${ITEM}, h.valid_from, trim_scale(h.price) AS price, h.file_id
    FROM price_history h JOIN stores s ON s.id = h.store_id JOIN items i ON i.id = h.item_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", i.chain COLLATE "C", i.item_code COLLATE "C", h.valid_from, h.file_id`,

  promotions: `SELECT ${STORE}, p.promotion_code, p.description, p.updated_at, p.starts_at, p.ends_at, p.days, p.reward_type, p.allow_multiple, p.weighted,
      trim_scale(p.min_qty) AS min_qty, trim_scale(p.max_qty) AS max_qty, trim_scale(p.min_purchase_amount) AS min_purchase_amount,
      trim_scale(p.min_amount) AS min_amount, trim_scale(p.max_amount) AS max_amount, trim_scale(p.discount_rate) AS discount_rate, p.discount_type,
      trim_scale(p.discounted_price) AS discounted_price, trim_scale(p.discounted_price_per_unit) AS discounted_price_per_unit,
      trim_scale(p.derived_unit_price) AS derived_unit_price, p.derived_rule, trim_scale(p.min_items_offered) AS min_items_offered, p.weight_unit,
      p.redemption_limit, p.is_coupon, trim_scale(p.gift_count) AS gift_count, p.is_total, p.is_active,
      trim_scale(p.min_basket_amount) AS min_basket_amount, p.restrictions, p.remarks, p.groups, p.extra, p.version, p.file_id, p.withdrawn_at
    FROM promotions p JOIN stores s ON s.id = p.store_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", p.promotion_code COLLATE "C"`,

  promotion_items: `SELECT ${STORE}, p.promotion_code, l.position, ${ITEM}, l.is_gift, l.item_type, trim_scale(l.gift_price) AS gift_price, l.group_id,
      l.reward_type, trim_scale(l.min_qty) AS min_qty, trim_scale(l.max_qty) AS max_qty, trim_scale(l.discount_rate) AS discount_rate,
      trim_scale(l.discounted_price) AS discounted_price, trim_scale(l.discounted_price_per_unit) AS discounted_price_per_unit, l.weighted
    FROM promotion_items l JOIN promotions p ON p.id = l.promotion_id JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = l.item_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", p.promotion_code COLLATE "C", l.position`,

  promotion_clubs: `SELECT ${STORE}, p.promotion_code, c.club_code
    FROM promotion_clubs c JOIN promotions p ON p.id = c.promotion_id JOIN stores s ON s.id = p.store_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", p.promotion_code COLLATE "C", c.club_code COLLATE "C"`,

  store_snapshots: `SELECT ${STORE}, n.kind, n.version, n.file_id FROM store_snapshots n JOIN stores s ON s.id = n.store_id
    ORDER BY s.chain_id COLLATE "C", s.store_code_key COLLATE "C", n.kind COLLATE "C"`,

  cheapest_now: `SELECT master_id, master_key, gtin, name, brand, trim_scale(quantity) AS quantity, unit, trim_scale(price) AS price,
      trim_scale(unit_price) AS unit_price, chain, store_code, updated_at, trim_scale(highest_price) AS highest_price,
      trim_scale(average_price) AS average_price, offers, stores, chains
    FROM cheapest_now ORDER BY master_id`,

  chain_price_index: `SELECT chain, products, trim_scale(price_index) AS price_index, cheapest_products FROM chain_price_index ORDER BY chain COLLATE "C"`,

  store_coverage: `SELECT chain, chain_id, store_code, name, city, heard_at, items, delisted_items, promotions, prices_full_at, promotions_full_at
    FROM store_coverage ORDER BY chain_id COLLATE "C", store_code COLLATE "C"`,

  files: `SELECT chain, chain_id, sub_chain_code, store_code, file_name, revision, file_type, file_id, version, status, complete, object_uri, sha256, size_bytes,
      rows_claimed, rows_read, rows_rejected, batch_count, dialect, encoding, container, header, unknown_tags, problems, error, published_at
    FROM files ORDER BY chain COLLATE "C", file_name COLLATE "C", revision`,

  rejected_rows: `SELECT f.chain, f.file_name, f.revision, r.line, r.reason, r.raw FROM rejected_rows r JOIN files f USING (file_id)
    ORDER BY f.chain COLLATE "C", f.file_name COLLATE "C", f.revision, r.line, r.reason COLLATE "C", r.raw COLLATE "C"`,
};
