CREATE TABLE batches (
  batch_id uuid NOT NULL,
  file_id uuid NOT NULL,
  parser_version integer NOT NULL,
  batch_index integer NOT NULL,
  row_count integer NOT NULL,
  seen_count integer NOT NULL,
  batch_count integer,
  complete boolean,
  loaded_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT batches_pkey PRIMARY KEY (batch_id)
);

CREATE TABLE chain_listings (
  chain text NOT NULL,
  state text NOT NULL,
  detail text,
  files_listed integer NOT NULL,
  files_new integer NOT NULL,
  started_at timestamp with time zone NOT NULL,
  finished_at timestamp with time zone NOT NULL,
  CONSTRAINT chain_listings_pkey PRIMARY KEY (chain)
);

CREATE TABLE chains (
  chain text NOT NULL,
  chain_id text NOT NULL,
  name text NOT NULL,
  portal text NOT NULL,
  status text NOT NULL,
  CONSTRAINT chains_pkey PRIMARY KEY (chain)
);

CREATE TABLE files (
  file_id uuid NOT NULL,
  chain text NOT NULL,
  chain_id text NOT NULL,
  sub_chain_code text,
  store_code text,
  portal text NOT NULL,
  file_name text NOT NULL,
  file_type text NOT NULL,
  revision integer DEFAULT 0 NOT NULL,
  version text COLLATE "C" NOT NULL,
  status text NOT NULL,
  complete boolean,
  source_url text NOT NULL,
  listed_size bigint,
  listed_at text,
  object_uri text,
  sha256 text,
  size_bytes bigint,
  etag text,
  rows_claimed integer,
  rows_read integer,
  rows_rejected integer,
  batch_count integer,
  dialect text,
  encoding text,
  container text,
  header jsonb,
  unknown_tags jsonb,
  problems jsonb,
  error text,
  published_at timestamp with time zone NOT NULL,
  discovered_at timestamp with time zone,
  enqueued_at timestamp with time zone,
  downloaded_at timestamp with time zone,
  parsed_at timestamp with time zone,
  loaded_at timestamp with time zone,
  changed_at timestamp with time zone DEFAULT now() NOT NULL,
  rows_repeated integer,
  CONSTRAINT files_chain_file_name_revision_key UNIQUE (chain, file_name, revision),
  CONSTRAINT files_pkey PRIMARY KEY (file_id),
  CONSTRAINT files_file_type_check CHECK ((file_type = ANY (ARRAY['price'::text, 'price-full'::text, 'promo'::text, 'promo-full'::text, 'stores'::text]))),
  CONSTRAINT files_status_check CHECK ((status = ANY (ARRAY['discovered'::text, 'downloaded'::text, 'parsed'::text, 'loaded'::text, 'quarantined'::text, 'failed'::text])))
);

CREATE TABLE full_files (
  file_id uuid NOT NULL,
  store_id integer NOT NULL,
  kind text NOT NULL,
  version text COLLATE "C" NOT NULL,
  published_at timestamp with time zone NOT NULL,
  rows_seen integer NOT NULL,
  complete boolean NOT NULL,
  confirmed boolean DEFAULT false NOT NULL,
  CONSTRAINT full_files_store_id_kind_version_key UNIQUE (store_id, kind, version),
  CONSTRAINT full_files_pkey PRIMARY KEY (file_id),
  CONSTRAINT full_files_kind_check CHECK ((kind = ANY (ARRAY['price'::text, 'promo'::text])))
);

CREATE TABLE host_circuits (
  host text NOT NULL,
  retry_at timestamp with time zone NOT NULL,
  error text NOT NULL,
  noted_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT host_circuits_pkey PRIMARY KEY (host)
);

CREATE TABLE host_slots (
  host text NOT NULL,
  slot integer NOT NULL,
  owner uuid,
  expires_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
  CONSTRAINT host_slots_pkey PRIMARY KEY (host, slot)
);

CREATE TABLE item_wordings (
  chain text NOT NULL,
  revision bigint DEFAULT 0 NOT NULL,
  CONSTRAINT item_wordings_pkey PRIMARY KEY (chain)
);

CREATE TABLE items (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  chain text NOT NULL,
  item_code text NOT NULL,
  name text,
  manufacturer text,
  country text,
  unit text,
  quantity numeric,
  weighted boolean,
  gtin text,
  version text COLLATE "C",
  manufacturer_description text,
  unit_qty text,
  unit_of_measure text,
  qty_in_package numeric,
  item_type text,
  CONSTRAINT items_chain_item_code_key UNIQUE (chain, item_code),
  CONSTRAINT items_pkey PRIMARY KEY (id)
);

CREATE TABLE maintenance (
  name text NOT NULL,
  done_at timestamp with time zone NOT NULL,
  CONSTRAINT maintenance_pkey PRIMARY KEY (name)
);

CREATE TABLE master_products (
  id bigint NOT NULL,
  master_key text NOT NULL,
  gtin text,
  name text,
  brand text,
  quantity numeric,
  unit text,
  CONSTRAINT master_products_master_key_key UNIQUE (master_key),
  CONSTRAINT master_products_pkey PRIMARY KEY (id)
);

CREATE TABLE price_history (
  store_id integer NOT NULL,
  item_id bigint NOT NULL,
  price numeric,
  valid_from timestamp with time zone NOT NULL,
  file_id uuid NOT NULL,
  CONSTRAINT price_history_pkey PRIMARY KEY (item_id, store_id, valid_from)
) PARTITION BY RANGE (valid_from);

CREATE TABLE prices (
  store_id integer NOT NULL,
  item_id bigint NOT NULL,
  price numeric NOT NULL,
  unit_price numeric,
  updated_at timestamp with time zone,
  version text COLLATE "C" NOT NULL,
  row_number integer NOT NULL,
  file_id uuid NOT NULL,
  seen_version text COLLATE "C",
  delisted_at timestamp with time zone,
  item_status text,
  allow_discount boolean,
  internal_id text,
  extra jsonb,
  CONSTRAINT prices_pkey PRIMARY KEY (item_id, store_id)
) WITH (fillfactor=45);

CREATE TABLE product_master_links (
  item_id bigint NOT NULL,
  master_id bigint NOT NULL,
  method text NOT NULL,
  confidence real NOT NULL,
  CONSTRAINT product_master_links_pkey PRIMARY KEY (item_id),
  CONSTRAINT product_master_links_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
  CONSTRAINT product_master_links_method_check CHECK ((method = ANY (ARRAY['barcode'::text, 'own'::text, 'vector'::text, 'manual'::text])))
);

CREATE TABLE promotion_clubs (
  promotion_id bigint NOT NULL,
  club_code text NOT NULL,
  CONSTRAINT promotion_clubs_pkey PRIMARY KEY (promotion_id, club_code)
);

CREATE TABLE promotion_items (
  promotion_id bigint NOT NULL,
  item_id bigint NOT NULL,
  is_gift boolean NOT NULL,
  "position" integer NOT NULL,
  item_type text,
  gift_price numeric,
  group_id text,
  reward_type text,
  min_qty numeric,
  max_qty numeric,
  discount_rate numeric,
  discounted_price numeric,
  discounted_price_per_unit numeric,
  weighted boolean,
  extra jsonb,
  CONSTRAINT promotion_items_pkey PRIMARY KEY (promotion_id, "position")
);

CREATE TABLE promotions (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  store_id integer NOT NULL,
  promotion_code text NOT NULL,
  description text,
  updated_at timestamp with time zone,
  starts_at timestamp with time zone,
  ends_at timestamp with time zone,
  days text,
  reward_type text,
  allow_multiple boolean,
  weighted boolean,
  min_qty numeric,
  max_qty numeric,
  min_purchase_amount numeric,
  min_amount numeric,
  max_amount numeric,
  discount_rate numeric,
  discount_type text,
  discounted_price numeric,
  discounted_price_per_unit numeric,
  derived_unit_price numeric,
  derived_rule text,
  min_items_offered numeric,
  weight_unit text,
  redemption_limit text,
  is_coupon boolean,
  gift_count numeric,
  is_total boolean,
  is_active boolean,
  min_basket_amount numeric,
  restrictions text,
  remarks jsonb,
  groups jsonb,
  extra jsonb,
  content_hash text NOT NULL,
  version text COLLATE "C" NOT NULL,
  row_number integer NOT NULL,
  file_id uuid NOT NULL,
  seen_version text COLLATE "C",
  withdrawn_at timestamp with time zone,
  CONSTRAINT promotions_store_id_promotion_code_key UNIQUE (store_id, promotion_code),
  CONSTRAINT promotions_pkey PRIMARY KEY (id)
);

CREATE TABLE rejected_rows (
  file_id uuid NOT NULL,
  line integer NOT NULL,
  reason text NOT NULL,
  raw text NOT NULL,
  code text,
  store_id integer,
  kind text,
  version text COLLATE "C"
);

CREATE TABLE stores (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  chain text NOT NULL,
  chain_id text NOT NULL,
  sub_chain_code text,
  sub_chain_name text,
  store_code text NOT NULL,
  store_code_key text GENERATED ALWAYS AS (COALESCE(NULLIF(ltrim(store_code, '0'::text), ''::text), '0'::text)) STORED,
  name text,
  store_type text,
  address text,
  city text,
  zip_code text,
  latitude numeric,
  longitude numeric,
  version text COLLATE "C",
  row_number integer,
  file_id uuid,
  heard_at timestamp with time zone,
  chain_name text,
  check_digit text,
  updated_at timestamp with time zone,
  extra jsonb,
  CONSTRAINT stores_chain_id_store_code_key_key UNIQUE (chain_id, store_code_key),
  CONSTRAINT stores_pkey PRIMARY KEY (id)
);

CREATE INDEX batches_file ON public.batches USING btree (file_id);

CREATE INDEX files_chain_published ON public.files USING btree (chain, published_at);

CREATE INDEX files_outbox ON public.files USING btree (version) WHERE (enqueued_at IS NULL);

CREATE INDEX files_unfinished ON public.files USING btree (changed_at) WHERE (status = ANY (ARRAY['discovered'::text, 'downloaded'::text, 'parsed'::text]));

CREATE INDEX prices_store ON public.prices USING btree (store_id);

CREATE INDEX product_master_links_master ON public.product_master_links USING btree (master_id);

CREATE INDEX promotion_items_item ON public.promotion_items USING btree (item_id);

CREATE INDEX rejected_rows_file ON public.rejected_rows USING btree (file_id);

CREATE INDEX rejected_rows_seen ON public.rejected_rows USING btree (store_id, code) WHERE (store_id IS NOT NULL);

CREATE INDEX stores_chain ON public.stores USING btree (chain);

ALTER TABLE full_files ADD CONSTRAINT full_files_store_id_fkey FOREIGN KEY (store_id) REFERENCES stores(id);

ALTER TABLE promotion_clubs ADD CONSTRAINT promotion_clubs_promotion_id_fkey FOREIGN KEY (promotion_id) REFERENCES promotions(id) ON DELETE CASCADE;

ALTER TABLE promotion_items ADD CONSTRAINT promotion_items_promotion_id_fkey FOREIGN KEY (promotion_id) REFERENCES promotions(id) ON DELETE CASCADE;

ALTER TABLE promotions ADD CONSTRAINT promotions_store_id_fkey FOREIGN KEY (store_id) REFERENCES stores(id);

CREATE MATERIALIZED VIEW chain_price_index AS
 WITH per_chain AS (
         SELECT current_offers.master_id,
            current_offers.chain,
            avg(current_offers.price) AS price
           FROM current_offers
          GROUP BY current_offers.master_id, current_offers.chain
        ), compared AS (
         SELECT per_chain.chain,
            per_chain.price,
            avg(per_chain.price) OVER product AS market_price,
            min(per_chain.price) OVER product AS lowest_price,
            count(*) OVER product AS chains
           FROM per_chain
          WINDOW product AS (PARTITION BY per_chain.master_id)
        )
 SELECT chain,
    count(*) AS products,
    round(100::numeric * avg(price / market_price), 2) AS price_index,
    count(*) FILTER (WHERE price = lowest_price) AS cheapest_products
   FROM compared
  WHERE chains > 1
  GROUP BY chain;
CREATE UNIQUE INDEX chain_price_index_chain ON public.chain_price_index USING btree (chain);

CREATE MATERIALIZED VIEW cheapest_now AS
 WITH per_chain AS (
         SELECT current_offers.master_id,
            current_offers.chain,
            min(current_offers.price) AS lowest,
            max(current_offers.price) AS highest,
            sum(current_offers.price) AS total,
            count(*) AS offers
           FROM current_offers
          GROUP BY current_offers.master_id, current_offers.chain
        ), spread AS (
         SELECT per_chain.master_id,
            min(per_chain.lowest) AS lowest,
            max(per_chain.highest) AS highest_price,
            round(sum(per_chain.total) / sum(per_chain.offers), 2) AS average_price,
            sum(per_chain.offers)::bigint AS offers,
            count(*) AS chains
           FROM per_chain
          GROUP BY per_chain.master_id
        ), cheapest AS (
         SELECT DISTINCT ON (o.master_id) o.master_id,
            o.chain,
            o.store_id,
            o.store_code,
            o.item_id,
            o.price,
            o.unit_price,
            o.updated_at,
            s.highest_price,
            s.average_price,
            s.offers,
            s.chains
           FROM current_offers o
             JOIN spread s ON s.master_id = o.master_id AND s.lowest = o.price
          ORDER BY o.master_id, (o.chain COLLATE "C"), (o.store_code COLLATE "C"), o.item_id
        )
 SELECT m.id AS master_id,
    m.master_key,
    m.gtin,
    m.name,
    m.brand,
    m.quantity,
    m.unit,
    c.price,
    c.unit_price,
    c.chain,
    c.store_id,
    c.store_code,
    c.item_id,
    c.updated_at,
    c.highest_price,
    c.average_price,
    c.offers,
    c.chains
   FROM cheapest c
     JOIN master_products m ON m.id = c.master_id;
CREATE INDEX cheapest_now_chain ON public.cheapest_now USING btree (chain);
CREATE UNIQUE INDEX cheapest_now_master ON public.cheapest_now USING btree (master_id);

CREATE VIEW current_offers AS
 SELECT l.master_id,
    s.chain,
    p.store_id,
    s.store_code,
    p.item_id,
    p.price,
    p.unit_price,
    p.updated_at
   FROM prices p
     JOIN stores s ON s.id = p.store_id
     JOIN product_master_links l ON l.item_id = p.item_id
  WHERE p.delisted_at IS NULL AND p.price > 0::numeric AND s.heard_at >= ((( SELECT max(stores.heard_at) AS max
           FROM stores)) - '7 days'::interval);

CREATE VIEW full_file_trust AS
 SELECT file_id,
    store_id,
    kind,
    version,
    published_at,
    rows_seen,
    complete,
    confirmed,
    rows_before,
    complete AND (confirmed OR rows_before IS NULL AND rows_seen > 0 OR (2 * rows_seen) >= rows_before OR rows_seen = 0 AND rows_after = 0 OR rows_seen > 0 AND rows_after > 0 AND (2 * rows_after) >= rows_seen AND (2 * rows_seen) >= rows_after) IS TRUE AS trusted
   FROM ( SELECT full_files.file_id,
            full_files.store_id,
            full_files.kind,
            full_files.version,
            full_files.published_at,
            full_files.rows_seen,
            full_files.complete,
            full_files.confirmed,
            lag(full_files.rows_seen) OVER in_order AS rows_before,
            lead(full_files.rows_seen) OVER in_order AS rows_after
           FROM full_files
          WINDOW in_order AS (PARTITION BY full_files.store_id, full_files.kind, full_files.complete ORDER BY full_files.version)) judged;

CREATE MATERIALIZED VIEW store_coverage AS
 SELECT s.id AS store_id,
    s.chain,
    s.chain_id,
    s.store_code,
    s.name,
    s.city,
    s.heard_at,
    COALESCE(p.items, 0::bigint) AS items,
    COALESCE(p.delisted_items, 0::bigint) AS delisted_items,
    COALESCE(o.promotions, 0::bigint) AS promotions,
    f.prices_full_at,
    f.promotions_full_at
   FROM stores s
     LEFT JOIN ( SELECT prices.store_id,
            count(*) FILTER (WHERE prices.delisted_at IS NULL) AS items,
            count(prices.delisted_at) AS delisted_items
           FROM prices
          GROUP BY prices.store_id) p ON p.store_id = s.id
     LEFT JOIN ( SELECT promotions.store_id,
            count(*) AS promotions
           FROM promotions
          WHERE promotions.withdrawn_at IS NULL
          GROUP BY promotions.store_id) o ON o.store_id = s.id
     LEFT JOIN ( SELECT full_file_trust.store_id,
            max(full_file_trust.published_at) FILTER (WHERE full_file_trust.kind = 'price'::text) AS prices_full_at,
            max(full_file_trust.published_at) FILTER (WHERE full_file_trust.kind = 'promo'::text) AS promotions_full_at
           FROM full_file_trust
          WHERE full_file_trust.trusted
          GROUP BY full_file_trust.store_id) f ON f.store_id = s.id;
CREATE UNIQUE INDEX store_coverage_store ON public.store_coverage USING btree (store_id);

CREATE VIEW store_snapshots AS
 SELECT DISTINCT ON (store_id, kind) store_id,
    kind,
    version,
    file_id
   FROM full_file_trust
  WHERE trusted
  ORDER BY store_id, kind, version DESC;

GRANT SELECT ON batches TO gogobe_reader;

GRANT SELECT ON chain_listings TO gogobe_reader;

GRANT SELECT ON chain_price_index TO gogobe_reader;

GRANT SELECT ON chains TO gogobe_reader;

GRANT SELECT ON cheapest_now TO gogobe_reader;

GRANT SELECT ON current_offers TO gogobe_reader;

GRANT SELECT ON files TO gogobe_reader;

GRANT SELECT ON full_file_trust TO gogobe_reader;

GRANT SELECT ON full_files TO gogobe_reader;

GRANT SELECT ON host_circuits TO gogobe_reader;

GRANT SELECT ON host_slots TO gogobe_reader;

GRANT SELECT ON item_wordings TO gogobe_reader;

GRANT SELECT ON items TO gogobe_reader;

GRANT SELECT ON maintenance TO gogobe_reader;

GRANT SELECT ON master_products TO gogobe_reader;

GRANT SELECT ON price_history TO gogobe_reader;

GRANT SELECT ON prices TO gogobe_reader;

GRANT SELECT ON product_master_links TO gogobe_reader;

GRANT SELECT ON promotion_clubs TO gogobe_reader;

GRANT SELECT ON promotion_items TO gogobe_reader;

GRANT SELECT ON promotions TO gogobe_reader;

GRANT SELECT ON rejected_rows TO gogobe_reader;

GRANT SELECT ON store_coverage TO gogobe_reader;

GRANT SELECT ON store_snapshots TO gogobe_reader;

GRANT SELECT ON stores TO gogobe_reader;
