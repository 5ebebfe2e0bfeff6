import type pg from "pg";
import type { FlushBatch } from "../flush.ts";
import { jsonText } from "../copy-text.ts";

/** Tells the staging tables what a batch number stands for. Rows of batches that are not named here count for nothing. */
export async function stageBatches(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  const rows = batches.map(({ no, kind, storeCode, message }) => ({
    batch_no: no,
    file_id: message.fileId,
    chain: message.chain,
    chain_id: message.chainId,
    store_code: storeCode,
    kind,
    version: message.version,
    published_at: message.publishedAt,
    parser_version: message.parserVersion,
  }));
  await client.query(
    `INSERT INTO stage_batches (batch_no, file_id, chain, store_id, kind, version, published_at, parser_version)
      SELECT b.batch_no, b.file_id, b.chain, s.id, b.kind, b.version, b.published_at, b.parser_version
      FROM jsonb_to_recordset($1) AS b (batch_no integer, file_id uuid, chain text, chain_id text, store_code text, kind text,
        version text, published_at timestamptz, parser_version integer)
      LEFT JOIN stores s ON s.chain_id = b.chain_id AND s.store_code_key = coalesce(nullif(ltrim(b.store_code, '0'), ''), '0')`,
    [jsonText(rows)],
  );
}

/** Places every batch among the trusted full files of its store. After `logFullFiles`, so that this flush's own are known. */
export async function placeAmongFullFiles(client: pg.PoolClient): Promise<void> {
  await client.query(
    `INSERT INTO stage_trusted (store_id, kind, version, published_at, file_id)
      SELECT t.store_id, t.kind, t.version, t.published_at, t.file_id
      FROM full_file_trust t
      WHERE t.trusted AND t.store_id IN (SELECT store_id FROM stage_batches)`,
  );
  await client.query(
    `UPDATE stage_batches b SET prior_full = prior.version, next_full = following.version,
        next_full_at = following.published_at, next_full_file = following.file_id
      FROM stage_batches x
      LEFT JOIN LATERAL (
        SELECT t.version FROM stage_trusted t
        WHERE t.store_id = x.store_id AND t.kind = x.kind AND t.version < x.version
        ORDER BY t.version DESC LIMIT 1
      ) prior ON true
      LEFT JOIN LATERAL (
        SELECT t.version, t.published_at, t.file_id FROM stage_trusted t
        WHERE t.store_id = x.store_id AND t.kind = x.kind AND t.version > x.version
        ORDER BY t.version LIMIT 1
      ) following ON true
      WHERE x.batch_no = b.batch_no AND (prior.version IS NOT NULL OR following.version IS NOT NULL)`,
  );
}

/**
 * Rows of a file that a newer parser version reads again sort just below their file from now on: whatever the new reading says
 * replaces them, and what it no longer says counts as absent from that file.
 */
export async function yieldToNewReading(client: pg.PoolClient, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await client.query("DELETE FROM rejected_rows WHERE file_id = ANY($1::uuid[])", [fileIds]);
  for (const table of ["prices", "promotions"]) {
    await client.query(
      `UPDATE ${table} t SET
          version = CASE WHEN t.file_id = f.file_id THEN left(t.version, -1) ELSE t.version END,
          seen_version = CASE WHEN t.seen_version = f.version THEN left(t.seen_version, -1) ELSE t.seen_version END
        FROM stage_batches f
        WHERE f.file_id = ANY($1::uuid[]) AND t.store_id = f.store_id AND (t.file_id = f.file_id OR t.seen_version = f.version)`,
      [fileIds],
    );
  }
  await client.query("UPDATE stores SET version = left(version, -1) WHERE file_id = ANY($1::uuid[])", [fileIds]);
}
