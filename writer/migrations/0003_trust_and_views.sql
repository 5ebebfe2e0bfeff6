-- Up Migration

-- Every full file raises the version of nearly every row of its store in one transaction: with half a page free they all stay on their
-- page, and no index is touched.
ALTER TABLE prices SET (fillfactor = 45);

-- One index answers "this item at this store" and "this item anywhere"; that of stores is small. With the columns the other way round an
-- index of items alone would be needed too, and a planner with old statistics would read an item of every store to find one.
ALTER TABLE prices DROP CONSTRAINT prices_pkey, ADD PRIMARY KEY (item_id, store_id);
DROP INDEX prices_item;
CREATE INDEX prices_store ON prices (store_id);

-- Which full files may delist: a pure function of the complete full files of a store, in version order. A file that lost more
-- than half of its rows, or all of them, waits for a person or for a next one like it.
CREATE VIEW full_file_trust AS
SELECT
  file_id, store_id, kind, version, published_at, rows_seen, complete, confirmed,
  rows_before,
  complete AND (
    confirmed
    OR (rows_before IS NULL AND rows_seen > 0)
    OR 2 * rows_seen >= rows_before
    OR (rows_seen = 0 AND rows_after = 0)
    OR (rows_seen > 0 AND rows_after > 0 AND 2 * rows_after >= rows_seen AND 2 * rows_seen >= rows_after)
  ) IS TRUE AS trusted
FROM (
  SELECT
    full_files.*,
    lag(rows_seen) OVER in_order AS rows_before,
    lead(rows_seen) OVER in_order AS rows_after
  FROM full_files
  WINDOW in_order AS (PARTITION BY store_id, kind, complete ORDER BY version)
) AS judged;

-- Newest full file per store and kind that is the whole truth for its store.
CREATE VIEW store_snapshots AS
SELECT DISTINCT ON (store_id, kind) store_id, kind, version, file_id
FROM full_file_trust
WHERE trusted
ORDER BY store_id, kind, version DESC;

-- Work that all processes share: who did it last, and when.
CREATE TABLE maintenance (
  name text PRIMARY KEY,
  done_at timestamptz NOT NULL
);

-- What is on offer now: listed prices of stores heard of within seven days of the newest file, by master product.
CREATE VIEW current_offers AS
SELECT l.master_id, s.chain, p.store_id, s.store_code, p.item_id, p.price, p.unit_price, p.updated_at
FROM prices p
JOIN stores s ON s.id = p.store_id
JOIN product_master_links l ON l.item_id = p.item_id
WHERE p.delisted_at IS NULL AND p.price > 0 AND s.heard_at >= (SELECT max(heard_at) FROM stores) - interval '7 days';

-- The cheapest current offer of every master product over all chains. Everything that can be is counted without a sort.
CREATE MATERIALIZED VIEW cheapest_now AS
WITH per_chain AS (
  SELECT master_id, chain, min(price) AS lowest, max(price) AS highest, sum(price) AS total, count(*) AS offers
  FROM current_offers
  GROUP BY master_id, chain
), spread AS (
  SELECT
    master_id, min(lowest) AS lowest, max(highest) AS highest_price, round(sum(total) / sum(offers), 2) AS average_price,
    sum(offers)::bigint AS offers, count(*) AS chains
  FROM per_chain
  GROUP BY master_id
), cheapest AS (
  SELECT DISTINCT ON (o.master_id)
    o.*, s.highest_price, s.average_price, s.offers, s.chains
  FROM current_offers o
  JOIN spread s ON s.master_id = o.master_id AND s.lowest = o.price
  ORDER BY o.master_id, o.chain COLLATE "C", o.store_code COLLATE "C", o.item_id
)
SELECT
  m.id AS master_id, m.master_key, m.gtin, m.name, m.brand, m.quantity, m.unit,
  c.price, c.unit_price, c.chain, c.store_id, c.store_code, c.item_id, c.updated_at,
  c.highest_price, c.average_price, c.offers, c.chains
FROM cheapest c
JOIN master_products m ON m.id = c.master_id;
CREATE UNIQUE INDEX cheapest_now_master ON cheapest_now (master_id);
CREATE INDEX cheapest_now_chain ON cheapest_now (chain);

-- How dear a chain is: its average price of every product that at least two chains sell, against the average over chains. 100 is the average.
CREATE MATERIALIZED VIEW chain_price_index AS
WITH per_chain AS (
  SELECT master_id, chain, avg(price) AS price
  FROM current_offers
  GROUP BY master_id, chain
), compared AS (
  SELECT
    chain, price,
    avg(price) OVER product AS market_price,
    min(price) OVER product AS lowest_price,
    count(*) OVER product AS chains
  FROM per_chain
  WINDOW product AS (PARTITION BY master_id)
)
SELECT
  chain,
  count(*) AS products,
  round(100 * avg(price / market_price), 2) AS price_index,
  count(*) FILTER (WHERE price = lowest_price) AS cheapest_products
FROM compared
WHERE chains > 1
GROUP BY chain;
CREATE UNIQUE INDEX chain_price_index_chain ON chain_price_index (chain);

-- What is known of every store, and how fresh it is.
CREATE MATERIALIZED VIEW store_coverage AS
SELECT
  s.id AS store_id, s.chain, s.chain_id, s.store_code, s.name, s.city, s.heard_at,
  coalesce(p.items, 0) AS items,
  coalesce(p.delisted_items, 0) AS delisted_items,
  coalesce(o.promotions, 0) AS promotions,
  f.prices_full_at, f.promotions_full_at
FROM stores s
LEFT JOIN (
  SELECT store_id, count(*) FILTER (WHERE delisted_at IS NULL) AS items, count(delisted_at) AS delisted_items
  FROM prices
  GROUP BY store_id
) p ON p.store_id = s.id
LEFT JOIN (
  SELECT store_id, count(*) AS promotions FROM promotions WHERE withdrawn_at IS NULL GROUP BY store_id
) o ON o.store_id = s.id
LEFT JOIN (
  SELECT
    store_id,
    max(published_at) FILTER (WHERE kind = 'price') AS prices_full_at,
    max(published_at) FILTER (WHERE kind = 'promo') AS promotions_full_at
  FROM full_file_trust
  WHERE trusted
  GROUP BY store_id
) f ON f.store_id = s.id;
CREATE UNIQUE INDEX store_coverage_store ON store_coverage (store_id);
