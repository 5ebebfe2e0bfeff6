import type pg from "pg";

export interface PromotionCounts {
  inserted: number;
  updated: number;
  unchanged: number;
}

/** Columns that hold what was published, the same in the staging table. */
const CONTENT = [
  "description",
  "updated_at",
  "starts_at",
  "ends_at",
  "days",
  "reward_type",
  "allow_multiple",
  "weighted",
  "min_qty",
  "max_qty",
  "min_purchase_amount",
  "min_amount",
  "max_amount",
  "discount_rate",
  "discount_type",
  "discounted_price",
  "discounted_price_per_unit",
  "derived_unit_price",
  "derived_rule",
  "min_items_offered",
  "weight_unit",
  "redemption_limit",
  "is_coupon",
  "gift_count",
  "is_total",
  "is_active",
  "min_basket_amount",
  "restrictions",
  "remarks",
  "groups",
  "extra",
  "content_hash",
];

/**
 * Brings promotions up to date: an equal one only takes the newer version, a changed one is replaced with its items and clubs, all of
 * them. Items are resolved already.
 */
export async function mergePromotions(client: pg.PoolClient): Promise<PromotionCounts> {
  await client.query(STAGE_OFFERS);
  const bumped = await client.query(BUMP);
  const updated = await client.query(UPDATE);
  const inserted = await client.query(INSERT);
  await client.query(`UPDATE stage_offers o SET promotion_id = p.id FROM promotions p
    WHERE o.promotion_id IS NULL AND p.store_id = o.store_id AND p.promotion_code = o.code`);
  if (updated.rowCount) {
    await client.query(
      "DELETE FROM promotion_items i USING stage_offers o WHERE o.changed AND i.promotion_id = o.promotion_id",
    );
    await client.query(
      "DELETE FROM promotion_clubs c USING stage_offers o WHERE o.changed AND c.promotion_id = o.promotion_id",
    );
  }
  if (updated.rowCount || inserted.rowCount) {
    await client.query(INSERT_ITEMS);
    await client.query(INSERT_CLUBS);
  }
  return {
    inserted: inserted.rowCount ?? 0,
    updated: updated.rowCount ?? 0,
    unchanged: bumped.rowCount ?? 0,
  };
}

/** The winning row per store and code, where it wins over what the table holds as well. */
const STAGE_OFFERS = `
  INSERT INTO stage_offers
  SELECT o.store_id, o.code, o.batch_no, o.line, o.version, o.content_hash, p.id, p.content_hash IS DISTINCT FROM o.content_hash
  FROM (
    SELECT DISTINCT ON (b.store_id, s.code) b.store_id, s.code, s.batch_no, s.line, b.version, s.content_hash, s.updated_at
    FROM stage_promotions s JOIN stage_batches b USING (batch_no)
    ORDER BY b.store_id, s.code, b.version DESC, s.updated_at DESC NULLS LAST, s.line DESC
  ) o
  LEFT JOIN promotions p ON p.store_id = o.store_id AND p.promotion_code = o.code
  WHERE p.id IS NULL
    OR (o.version, coalesce(o.updated_at, '-infinity'), o.line) >= (p.version, coalesce(p.updated_at, '-infinity'), p.row_number)`;

const STATE = `version = o.version, row_number = o.line, file_id = b.file_id,
    seen_version = CASE WHEN p.seen_version > o.version THEN p.seen_version END,
    withdrawn_at = CASE WHEN p.seen_version > o.version THEN p.withdrawn_at ELSE b.next_full_at END`;

const BUMP = `
  UPDATE promotions p SET ${STATE}
  FROM stage_offers o JOIN stage_batches b USING (batch_no)
  WHERE NOT o.changed AND p.id = o.promotion_id`;

const UPDATE = `
  UPDATE promotions p SET ${STATE}, ${CONTENT.map((column) => `${column} = s.${column}`).join(", ")}
  FROM stage_offers o
  JOIN stage_batches b USING (batch_no)
  JOIN stage_promotions s ON s.batch_no = o.batch_no AND s.line = o.line
  WHERE o.changed AND p.id = o.promotion_id`;

const INSERT = `
  INSERT INTO promotions (store_id, promotion_code, version, row_number, file_id, withdrawn_at, ${CONTENT.join(", ")})
  SELECT o.store_id, o.code, o.version, o.line, b.file_id, b.next_full_at, ${CONTENT.map((column) => `s.${column}`).join(", ")}
  FROM stage_offers o
  JOIN stage_batches b USING (batch_no)
  JOIN stage_promotions s ON s.batch_no = o.batch_no AND s.line = o.line
  WHERE o.promotion_id IS NULL
  ORDER BY o.store_id, o.code`;

const INSERT_ITEMS = `
  INSERT INTO promotion_items (promotion_id, item_id, is_gift, position, item_type, gift_price, group_id, reward_type, min_qty, max_qty,
    discount_rate, discounted_price, discounted_price_per_unit, weighted, extra)
  SELECT o.promotion_id, i.id, l.is_gift, l.position, l.item_type, l.gift_price, l.group_id, l.reward_type, l.min_qty, l.max_qty,
    l.discount_rate, l.discounted_price, l.discounted_price_per_unit, l.weighted, l.extra
  FROM stage_offers o
  JOIN stage_batches b USING (batch_no)
  JOIN stage_promotion_items l ON l.batch_no = o.batch_no AND l.line = o.line
  JOIN items i ON i.chain = b.chain AND i.item_code = l.code
  WHERE o.changed
  ORDER BY o.promotion_id, l.position`;

const INSERT_CLUBS = `
  INSERT INTO promotion_clubs (promotion_id, club_code)
  SELECT DISTINCT o.promotion_id, club
  FROM stage_offers o
  JOIN stage_promotions s ON s.batch_no = o.batch_no AND s.line = o.line
  CROSS JOIN LATERAL jsonb_array_elements_text(s.clubs) AS club
  WHERE o.changed
  ORDER BY 1, 2`;
