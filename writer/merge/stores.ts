import type pg from "pg";
import type { FlushBatch } from "../flush.ts";
import { jsonText } from "../copy-text.ts";

/** Store as a flush tells of it: a row of a stores file, or only a code from the name of another file (`version` null). */
interface StoreCandidate {
  chain: string;
  chain_id: string;
  store_code: string;
  sub_chain_code?: string | null | undefined;
  sub_chain_name?: string | undefined;
  name?: string | undefined;
  store_type?: string | undefined;
  address?: string | undefined;
  city?: string | undefined;
  zip_code?: string | undefined;
  latitude?: string | undefined;
  longitude?: string | undefined;
  chain_name?: string | undefined;
  check_digit?: string | undefined;
  updated_at?: string | undefined;
  extra?: Record<string, string> | undefined;
  version: string | null;
  row_number: number | null;
  file_id: string | null;
  heard_at: string | null;
}

const DESCRIPTION = `sub_chain_code, sub_chain_name, store_code, name, store_type, address, city, zip_code, latitude, longitude, chain_name,
  check_digit, updated_at, extra, version, row_number, file_id`;

/**
 * Makes and updates the stores that the batches tell of, in one statement that locks them in the order of their codes. The newest row
 * of a stores file describes a store (of one file the last update); other files only name it, and say when it was heard of.
 */
export async function mergeStores(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  const candidates = batches.flatMap(candidatesOf);
  if (candidates.length === 0) return;
  await client.query(
    `WITH offered AS (
      SELECT *, coalesce(nullif(ltrim(store_code, '0'), ''), '0') AS store_code_key
      FROM jsonb_to_recordset($1) AS c (chain text, chain_id text, store_code text, sub_chain_code text, sub_chain_name text,
        name text, store_type text, address text, city text, zip_code text, latitude numeric, longitude numeric,
        chain_name text, check_digit text, updated_at timestamptz, extra jsonb, version text, row_number integer, file_id uuid, heard_at timestamptz)
    ), best AS (
      -- A published spelling with its zeros says more than one without; any fixed choice would do.
      SELECT DISTINCT ON (chain_id, store_code_key) *, max(heard_at) OVER (PARTITION BY chain_id, store_code_key) AS last_heard
      FROM offered
      ORDER BY chain_id, store_code_key, version COLLATE "C" DESC NULLS LAST, updated_at DESC NULLS LAST, row_number DESC,
        length(store_code) DESC, sub_chain_code COLLATE "C" DESC NULLS LAST
    )
    INSERT INTO stores (chain, chain_id, heard_at, ${DESCRIPTION})
    SELECT b.chain, b.chain_id, b.last_heard, ${columns("b")}
    FROM best b
    LEFT JOIN stores s USING (chain_id, store_code_key)
    WHERE s.id IS NULL OR b.last_heard > coalesce(s.heard_at, '-infinity') OR ${describesBetter("b", "s")}
    ORDER BY b.chain_id, b.store_code_key
    ON CONFLICT (chain_id, store_code_key) DO UPDATE SET
      heard_at = greatest(stores.heard_at, EXCLUDED.heard_at),
      (${DESCRIPTION}) = ROW(${DESCRIPTION.split(",")
        .map((column) => column.trim())
        .map(
          (column) =>
            `CASE WHEN ${describesBetter("EXCLUDED", "stores")} THEN EXCLUDED.${column} ELSE stores.${column} END`,
        )
        .join(", ")})`,
    [jsonText(candidates)],
  );
}

function columns(alias: string): string {
  return DESCRIPTION.replaceAll(/\w+/g, (column) => `${alias}.${column}`);
}

/** Does `a` describe the store better than `b`: a newer stores file, or, before any has come, a fuller spelling of its codes? */
function describesBetter(a: string, b: string): string {
  return `CASE WHEN ${b}.version IS NULL THEN
      ${a}.version IS NOT NULL
      OR (length(${a}.store_code), coalesce(${a}.sub_chain_code, '') COLLATE "C") > (length(${b}.store_code), coalesce(${b}.sub_chain_code, '') COLLATE "C")
    ELSE (${a}.version COLLATE "C", coalesce(${a}.updated_at, '-infinity'), ${a}.row_number)
      >= (${b}.version, coalesce(${b}.updated_at, '-infinity'), ${b}.row_number) END IS TRUE`;
}

function candidatesOf(batch: FlushBatch): StoreCandidate[] {
  const { chain, chainId, version, fileId } = batch.message;
  if (batch.kind !== "stores") {
    return [
      {
        chain,
        chain_id: chainId,
        store_code: batch.storeCode,
        sub_chain_code: batch.message.subChainId,
        version: null,
        row_number: null,
        file_id: null,
        heard_at: batch.message.publishedAt,
      },
    ];
  }
  return batch.message.items.map((row) => ({
    chain,
    chain_id: chainId,
    store_code: row.storeCode,
    sub_chain_code: row.subChainCode,
    sub_chain_name: row.subChainName,
    name: row.name,
    store_type: row.storeType,
    address: row.address,
    city: row.city,
    zip_code: row.zipCode,
    latitude: row.latitude,
    longitude: row.longitude,
    chain_name: row.chainName,
    check_digit: row.checkDigit,
    updated_at: row.updatedAt,
    extra: row.extra,
    version,
    row_number: row.line,
    file_id: fileId,
    heard_at: null,
  }));
}

/** A chain that no registry knows is its own chain, so that every row of it can be joined to one. */
export async function addUnknownChains(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  const chains = new Map(batches.map(({ message }) => [message.chain, message.chainId]));
  await client.query(
    `INSERT INTO chains (chain, chain_id, name, portal, status)
      SELECT chain, chain_id, chain, 'unknown', 'unknown'
      FROM unnest($1::text[], $2::text[]) AS c (chain, chain_id)
      WHERE NOT EXISTS (SELECT FROM chains known WHERE known.chain = c.chain)
      ORDER BY chain
      ON CONFLICT DO NOTHING`,
    [[...chains.keys()], [...chains.values()]],
  );
}
