-- Up Migration

-- Hosts that some process leaves alone after failures: what `chains list` shows. Written when a circuit opens, deleted when it closes.
CREATE TABLE host_circuits (
  host text PRIMARY KEY,
  -- From then on the next request is let through.
  retry_at timestamptz NOT NULL,
  -- The failure that opened it.
  error text NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT now()
);
