-- Up Migration

-- Hot tables (items, product_master_links, prices, price_history) carry no foreign key constraints: the writer is their only
-- author and resolves every id by join in the same transaction, while a constraint costs one trigger call per row. A test
-- proves that no reference dangles.

CREATE TABLE chains (
  chain text PRIMARY KEY,
  chain_id text NOT NULL,
  name text NOT NULL,
  portal text NOT NULL,
  status text NOT NULL
);

CREATE TABLE files (
  file_id uuid PRIMARY KEY,
  chain text NOT NULL,
  chain_id text NOT NULL,
  sub_chain_code text,
  store_code text,
  portal text NOT NULL,
  file_name text NOT NULL,
  file_type text NOT NULL CHECK (file_type IN ('price', 'price-full', 'promo', 'promo-full', 'stores')),
  revision integer NOT NULL DEFAULT 0,
  version text COLLATE "C" NOT NULL,
  status text NOT NULL CHECK (status IN ('discovered', 'downloaded', 'parsed', 'loaded', 'quarantined', 'failed')),
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
  published_at timestamptz NOT NULL,
  discovered_at timestamptz,
  enqueued_at timestamptz,
  downloaded_at timestamptz,
  parsed_at timestamptz,
  loaded_at timestamptz,
  changed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (chain, file_name, revision)
);
CREATE INDEX files_outbox ON files (version) WHERE enqueued_at IS NULL;
CREATE INDEX files_unfinished ON files (changed_at) WHERE status IN ('discovered', 'downloaded', 'parsed');
CREATE INDEX files_chain_published ON files (chain, published_at);

CREATE TABLE stores (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  chain text NOT NULL,
  chain_id text NOT NULL,
  sub_chain_code text,
  sub_chain_name text,
  store_code text NOT NULL,
  -- Codes compare without leading zeros; what was published is kept above.
  store_code_key text GENERATED ALWAYS AS (coalesce(nullif(ltrim(store_code, '0'), ''), '0')) STORED,
  name text,
  store_type text,
  address text,
  city text,
  zip_code text,
  latitude numeric,
  longitude numeric,
  -- Newest stores file that described this store, and the row of it that counts; null while only price or promotion files have named it.
  version text COLLATE "C",
  row_number integer,
  file_id uuid,
  -- Newest published time of a price or promotion file of this store.
  heard_at timestamptz,
  UNIQUE (chain_id, store_code_key)
);
CREATE INDEX stores_chain ON stores (chain);

CREATE TABLE items (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  chain text NOT NULL,
  item_code text NOT NULL,
  name text,
  manufacturer text,
  country text,
  unit text,
  quantity numeric,
  weighted boolean,
  gtin text,
  -- The file whose wording stands here; null while only promotions have named the item.
  version text COLLATE "C",
  UNIQUE (chain, item_code)
);

CREATE TABLE master_products (
  id bigint PRIMARY KEY,
  master_key text NOT NULL UNIQUE,
  gtin text,
  name text,
  brand text,
  quantity numeric,
  unit text
);

CREATE TABLE product_master_links (
  item_id bigint PRIMARY KEY,
  master_id bigint NOT NULL,
  method text NOT NULL CHECK (method IN ('barcode', 'own', 'vector', 'manual')),
  confidence real NOT NULL CHECK (confidence BETWEEN 0 AND 1)
);
CREATE INDEX product_master_links_master ON product_master_links (master_id);

CREATE TABLE prices (
  store_id integer NOT NULL,
  item_id bigint NOT NULL,
  price numeric NOT NULL,
  unit_price numeric,
  updated_at timestamptz,
  -- Newest file that named this item at this store, and the row of that file that counts (last update wins inside a file).
  version text COLLATE "C" NOT NULL,
  row_number integer NOT NULL,
  file_id uuid NOT NULL,
  -- Newest file that named the item in a row that had to be rejected; null unless newer than version.
  seen_version text COLLATE "C",
  delisted_at timestamptz,
  PRIMARY KEY (store_id, item_id)
) WITH (fillfactor = 70);
CREATE INDEX prices_item ON prices (item_id);

CREATE TABLE price_history (
  store_id integer NOT NULL,
  item_id bigint NOT NULL,
  -- Null: delisted at this moment.
  price numeric,
  valid_from timestamptz NOT NULL,
  file_id uuid NOT NULL,
  -- Of two files published at one moment the later version holds the point.
  PRIMARY KEY (item_id, store_id, valid_from)
) PARTITION BY RANGE (valid_from);

CREATE TABLE promotions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  store_id integer NOT NULL REFERENCES stores (id),
  promotion_code text NOT NULL,
  description text,
  updated_at timestamptz,
  starts_at timestamptz,
  ends_at timestamptz,
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
  -- Hash of everything published of the promotion: an equal one only raises the version.
  content_hash text NOT NULL,
  version text COLLATE "C" NOT NULL,
  row_number integer NOT NULL,
  file_id uuid NOT NULL,
  -- As in prices.
  seen_version text COLLATE "C",
  withdrawn_at timestamptz,
  UNIQUE (store_id, promotion_code)
);

CREATE TABLE promotion_items (
  promotion_id bigint NOT NULL REFERENCES promotions (id) ON DELETE CASCADE,
  item_id bigint NOT NULL,
  is_gift boolean NOT NULL,
  -- Number of the link inside its promotion: the same item may stand twice.
  position integer NOT NULL,
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
  PRIMARY KEY (promotion_id, position)
);
CREATE INDEX promotion_items_item ON promotion_items (item_id);

CREATE TABLE promotion_clubs (
  promotion_id bigint NOT NULL REFERENCES promotions (id) ON DELETE CASCADE,
  club_code text NOT NULL,
  PRIMARY KEY (promotion_id, club_code)
);

-- Every full file of a store whose batches are all loaded. Trust is a function of this whole set (view full_file_trust), so
-- it does not depend on the order in which files arrive.
CREATE TABLE full_files (
  file_id uuid PRIMARY KEY,
  store_id integer NOT NULL REFERENCES stores (id),
  kind text NOT NULL CHECK (kind IN ('price', 'promo')),
  version text COLLATE "C" NOT NULL,
  published_at timestamptz NOT NULL,
  rows_seen integer NOT NULL,
  complete boolean NOT NULL,
  confirmed boolean NOT NULL DEFAULT false,
  UNIQUE (store_id, kind, version)
);

CREATE TABLE batches (
  batch_id uuid PRIMARY KEY,
  file_id uuid NOT NULL,
  parser_version integer NOT NULL,
  batch_index integer NOT NULL,
  row_count integer NOT NULL,
  -- Rows that count as seen: the loaded ones and the rejected ones whose code could be read.
  seen_count integer NOT NULL,
  -- Both set on the last batch of a file.
  batch_count integer,
  complete boolean,
  loaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX batches_file ON batches (file_id);

CREATE TABLE rejected_rows (
  file_id uuid NOT NULL,
  line integer NOT NULL,
  reason text NOT NULL,
  raw text NOT NULL,
  -- Where the code could be read: what the row counts as seen of.
  code text,
  store_id integer,
  kind text,
  version text COLLATE "C"
);
CREATE INDEX rejected_rows_file ON rejected_rows (file_id);
CREATE INDEX rejected_rows_seen ON rejected_rows (store_id, code) WHERE store_id IS NOT NULL;

-- Locked for a moment by every transaction that may change the wording of a chain's items, and raised when one does.
CREATE TABLE item_wordings (
  chain text PRIMARY KEY,
  revision bigint NOT NULL DEFAULT 0
);

-- Slots of the polite limit per host, leased by every process of the fleet.
CREATE TABLE host_slots (
  host text NOT NULL,
  slot integer NOT NULL,
  owner uuid,
  expires_at timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (host, slot)
);

-- Last listing of every chain: what `chains list` shows.
CREATE TABLE chain_listings (
  chain text PRIMARY KEY,
  state text NOT NULL,
  detail text,
  files_listed integer NOT NULL,
  files_new integer NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL
);
