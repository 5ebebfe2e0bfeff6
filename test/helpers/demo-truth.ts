import { expect } from "vitest";
import type { DemoTruth } from "../fixtures/demo-truth.ts";
import type { Pipeline } from "./pipeline.ts";

const COUNTS = `SELECT
  (SELECT count(*) FROM files WHERE status = 'loaded')::int AS files,
  (SELECT sum(rows_read) FROM files)::int AS rows,
  (SELECT sum(rows_rejected) FROM files)::int AS rejected,
  (SELECT count(*) FROM stores)::int AS stores,
  (SELECT count(*) FROM items)::int AS items,
  (SELECT count(*) FROM prices WHERE delisted_at IS NULL)::int AS "currentPrices",
  (SELECT sum(price)::text FROM prices WHERE delisted_at IS NULL) AS "sumCurrentPrices",
  (SELECT count(*) FROM prices WHERE delisted_at IS NOT NULL)::int AS delisted,
  (SELECT count(*) FROM price_history)::int AS "historyPoints",
  (SELECT count(*) FROM promotions WHERE withdrawn_at IS NULL)::int AS "currentPromotions",
  (SELECT count(*) FROM promotions WHERE withdrawn_at IS NOT NULL)::int AS "withdrawnPromotions",
  (SELECT count(*) FROM promotion_items l JOIN promotions p ON p.id = l.promotion_id WHERE p.withdrawn_at IS NULL)::int AS "currentPromotionLinks"`;

/** Reads the database back and compares it with what the demo's models say. */
export async function expectDemoTruth(pipeline: Pick<Pipeline, "query">, truth: DemoTruth): Promise<void> {
  const [counts] = await pipeline.query(COUNTS);
  const { files, rows, stores, items, currentPrices, sumCurrentPrices, delisted, historyPoints } = truth;
  const { currentPromotions, withdrawnPromotions, currentPromotionLinks } = truth;
  expect(counts).toEqual({
    files,
    rows,
    rejected: 0,
    stores,
    items,
    currentPrices,
    sumCurrentPrices,
    delisted,
    historyPoints,
    currentPromotions,
    withdrawnPromotions,
    currentPromotionLinks,
  });
}
