import type { Pool } from "pg";

/** What the demo shows of its database. Prices are exact decimals as text. */
export interface DemoReport {
  days: readonly [string, string];
  files: number;
  stores: number;
  items: number;
  masterProducts: number;
  prices: number;
  promotions: number;
  delisted: number;
  historyPoints: number;
  chains: {
    chain: string;
    stores: number;
    items: number;
    prices: number;
    promotions: number;
    price_index: string | null;
  }[];
  cheapest: { product: string; cheapest: string; price: string; dearest: string; called: string }[];
  changes: { chain: string; dearer: number; cheaper: number; came: number; went: number; withdrawn: number }[];
}

export async function readReport(db: Pool, days: readonly [string, string]): Promise<DemoReport> {
  const [totals, chains, cheapest, changes] = await Promise.all([
    db.query<Omit<DemoReport, "days" | "chains" | "cheapest" | "changes">>(TOTALS),
    db.query<DemoReport["chains"][number]>(CHAINS),
    db.query<DemoReport["cheapest"][number]>(CHEAPEST),
    db.query<DemoReport["changes"][number]>(CHANGES, [days[1]]),
  ]);
  const [counts] = totals.rows;
  if (counts === undefined) throw new Error("the database gave no totals");
  return { days, ...counts, chains: chains.rows, cheapest: cheapest.rows, changes: changes.rows };
}

const TOTALS = `SELECT
  (SELECT count(*)::int FROM files WHERE status = 'loaded') AS files,
  (SELECT count(*)::int FROM stores) AS stores,
  (SELECT count(*)::int FROM items) AS items,
  (SELECT count(*)::int FROM master_products) AS "masterProducts",
  (SELECT count(*)::int FROM prices WHERE delisted_at IS NULL) AS prices,
  (SELECT count(*)::int FROM promotions WHERE withdrawn_at IS NULL) AS promotions,
  (SELECT count(*)::int FROM prices WHERE delisted_at IS NOT NULL) AS delisted,
  (SELECT count(*)::int FROM price_history) AS "historyPoints"`;

const CHAINS = `SELECT v.chain, count(*)::int AS stores, (SELECT count(*)::int FROM items i WHERE i.chain = v.chain) AS items,
    sum(v.items)::int AS prices, sum(v.promotions)::int AS promotions, x.price_index::text
  FROM store_coverage v LEFT JOIN chain_price_index x USING (chain)
  GROUP BY v.chain, x.price_index ORDER BY v.chain`;

/** Products that every chain has under another name: of each chain the three that it undercuts the others with the most. */
const CHEAPEST = `WITH ranked AS (
    SELECT c.*, n.called, row_number() OVER (PARTITION BY c.chain ORDER BY c.highest_price - c.price DESC, c.master_id) AS place
    FROM cheapest_now c JOIN LATERAL (
      SELECT string_agg(DISTINCT i.chain || ': ' || i.name, ' | ') AS called, count(DISTINCT i.name) AS names
      FROM product_master_links l JOIN items i ON i.id = l.item_id WHERE l.master_id = c.master_id
    ) n ON n.names > 2
    WHERE c.chains > 2
  )
  SELECT name AS product, chain AS cheapest, to_char(price, 'FM999990.00') AS price, to_char(highest_price, 'FM999990.00') AS dearest, called
  FROM ranked WHERE place <= 3 ORDER BY highest_price - price DESC, master_id`;

/** The second day's points of the history, each against the one before it. */
const CHANGES = `WITH points AS (
    SELECT s.chain, h.price, lag(h.price) OVER series AS before, row_number() OVER series AS number,
      (h.valid_from AT TIME ZONE 'Asia/Jerusalem')::date = $1::date AS today
    FROM price_history h JOIN stores s ON s.id = h.store_id
    WINDOW series AS (PARTITION BY h.store_id, h.item_id ORDER BY h.valid_from)
  ), withdrawals AS (
    SELECT s.chain, count(*)::int AS withdrawn FROM promotions p JOIN stores s ON s.id = p.store_id
    WHERE p.withdrawn_at IS NOT NULL GROUP BY 1
  )
  SELECT chain, count(*) FILTER (WHERE price > before)::int AS dearer, count(*) FILTER (WHERE price < before)::int AS cheaper,
    count(*) FILTER (WHERE number = 1)::int AS came, count(*) FILTER (WHERE price IS NULL)::int AS went,
    coalesce(max(withdrawn), 0) AS withdrawn
  FROM points LEFT JOIN withdrawals USING (chain) WHERE today GROUP BY chain ORDER BY chain`;
