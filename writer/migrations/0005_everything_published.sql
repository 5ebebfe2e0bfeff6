-- Up Migration

-- What a row says of the product stands with the item, as its name does; what may differ from store to store stands with the price.
ALTER TABLE items
  ADD COLUMN manufacturer_description text,
  -- Texts as published; `unit` and `quantity` are what they come to.
  ADD COLUMN unit_qty text,
  ADD COLUMN unit_of_measure text,
  ADD COLUMN qty_in_package numeric,
  ADD COLUMN item_type text;

ALTER TABLE prices
  ADD COLUMN item_status text,
  ADD COLUMN allow_discount boolean,
  -- The chain's own number of the row, where it has one beside the code.
  ADD COLUMN internal_id text,
  -- Texts of tags that nobody knows, by tag.
  ADD COLUMN extra jsonb;

ALTER TABLE promotion_items ADD COLUMN extra jsonb;

ALTER TABLE stores
  ADD COLUMN chain_name text,
  ADD COLUMN check_digit text,
  ADD COLUMN updated_at timestamptz,
  ADD COLUMN extra jsonb;

-- Rows whose code stands before in the same file: of those the last update counts.
ALTER TABLE files ADD COLUMN rows_repeated integer;
