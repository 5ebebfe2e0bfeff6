import type pg from "pg";
import type { LoadedFile } from "../applied-batches.ts";
import type { FlushBatch } from "../flush.ts";
import type { MasterConflict } from "./items.ts";
import { jsonText } from "../copy-text.ts";

/** Makes the ledger rows that are missing, from what the messages say of their files: the ledger may have been lost. */
export async function ensureLedger(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  const files = [...new Map(batches.map(({ message }) => [message.fileId, message])).values()];
  const rows = files.map((file) => ({
    file_id: file.fileId,
    chain: file.chain,
    chain_id: file.chainId,
    sub_chain_code: file.subChainId,
    store_code: file.storeId,
    portal: file.portal,
    file_name: file.fileName,
    file_type: file.fileType,
    revision: file.revision,
    version: file.version,
    published_at: file.publishedAt,
    object_uri: file.objectUri,
    sha256: file.sha256,
  }));
  await client.query(
    `INSERT INTO files (file_id, chain, chain_id, sub_chain_code, store_code, portal, file_name, file_type, revision, version, status,
        source_url, object_uri, sha256, published_at, discovered_at, enqueued_at, downloaded_at)
      SELECT file_id, chain, chain_id, sub_chain_code, store_code, portal, file_name, file_type, revision, version, 'downloaded',
        '', object_uri, sha256, published_at, now(), now(), now()
      FROM jsonb_to_recordset($1) AS r (file_id uuid, chain text, chain_id text, sub_chain_code text, store_code text, portal text,
        file_name text, file_type text, revision integer, version text, object_uri text, sha256 text, published_at timestamptz)
      WHERE NOT EXISTS (SELECT FROM files f WHERE f.file_id = r.file_id)
      ORDER BY file_id
      ON CONFLICT DO NOTHING`,
    [jsonText(rows)],
  );
}

/** Writes what the last batch of a file says of the whole of it. */
export async function recordTotals(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  const rows = batches.flatMap(({ message: { fileId, totals } }) =>
    totals
      ? [
          {
            file_id: fileId,
            complete: totals.complete,
            rows_claimed: totals.rowsClaimed,
            rows_read: totals.rowsRead,
            rows_rejected: totals.rowsRejected,
            rows_repeated: totals.rowsRepeated,
            batch_count: totals.batchCount,
            dialect: totals.dialect,
            encoding: totals.encoding,
            container: totals.container,
            header: totals.header,
            unknown_tags: totals.unknownTags,
            problems: totals.problems,
          },
        ]
      : [],
  );
  if (rows.length === 0) return;
  await client.query(
    `UPDATE files f SET complete = r.complete, rows_claimed = r.rows_claimed, rows_read = r.rows_read, rows_rejected = r.rows_rejected,
        rows_repeated = r.rows_repeated, batch_count = r.batch_count, dialect = r.dialect, encoding = r.encoding, container = r.container, header = r.header,
        unknown_tags = r.unknown_tags, problems = r.problems
      FROM jsonb_to_recordset($1) AS r (file_id uuid, complete boolean, rows_claimed integer, rows_read integer, rows_rejected integer,
        rows_repeated integer, batch_count integer, dialect text, encoding text, container text, header jsonb, unknown_tags jsonb, problems jsonb)
      WHERE f.file_id = r.file_id`,
    [jsonText(rows)],
  );
}

/** The end of a file's way: every batch of it is in the database. Returns the files that were not there before. */
export async function markLoaded(client: pg.PoolClient, loaded: readonly LoadedFile[]): Promise<string[]> {
  if (loaded.length === 0) return [];
  const { rows } = await client.query<{ file_id: string }>(
    `UPDATE files SET status = 'loaded', loaded_at = now(), parsed_at = coalesce(parsed_at, now()), changed_at = now(),
        error = CASE WHEN status IN ('failed', 'quarantined') THEN NULL ELSE error END
      WHERE file_id = ANY($1::uuid[]) AND status <> 'loaded'
      RETURNING file_id`,
    [loaded.map((file) => file.message.fileId)],
  );
  return rows.map((row) => row.file_id);
}

/** A person must look at two master keys on one id: it is written where `gogobe files list` shows it. */
export async function reportConflicts(client: pg.PoolClient, conflicts: readonly MasterConflict[]): Promise<void> {
  if (conflicts.length === 0) return;
  const errors = new Map(
    conflicts.map((conflict) => [
      conflict.fileId,
      `master product ${conflict.masterId} is claimed by ${conflict.offeredKey} and belongs to ${conflict.knownKey}: the item was not linked`,
    ]),
  );
  await client.query(
    `UPDATE files f SET error = e.error FROM unnest($1::uuid[], $2::text[]) AS e (file_id, error) WHERE f.file_id = e.file_id`,
    [[...errors.keys()], [...errors.values()]],
  );
}
