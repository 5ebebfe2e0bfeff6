import type pg from "pg";
import type { LoadedFile } from "../applied-batches.ts";
import { jsonText } from "../copy-text.ts";

/**
 * Logs the full files that are loaded whole. They alone may say that something is gone. `UNIQUE (store, kind, version)` cannot clash:
 * the version holds the file id.
 */
export async function logFullFiles(client: pg.PoolClient, loaded: readonly LoadedFile[]): Promise<string[]> {
  const full = loaded.filter((file) => file.isFull);
  if (full.length === 0) return [];
  const rows = full.map(({ message, kind, rowsSeen, complete }) => ({
    file_id: message.fileId,
    chain_id: message.chainId,
    store_code: message.storeId,
    kind,
    version: message.version,
    published_at: message.publishedAt,
    rows_seen: rowsSeen,
    complete,
  }));
  const result = await client.query<{ file_id: string }>(
    `INSERT INTO full_files AS f (file_id, store_id, kind, version, published_at, rows_seen, complete)
      SELECT r.file_id, s.id, r.kind, r.version, r.published_at, r.rows_seen, r.complete
      FROM jsonb_to_recordset($1) AS r (file_id uuid, chain_id text, store_code text, kind text, version text,
        published_at timestamptz, rows_seen integer, complete boolean)
      JOIN stores s ON s.chain_id = r.chain_id AND s.store_code_key = coalesce(nullif(ltrim(r.store_code, '0'), ''), '0')
      ORDER BY r.file_id
      ON CONFLICT (file_id) DO UPDATE SET rows_seen = EXCLUDED.rows_seen, complete = EXCLUDED.complete
        WHERE (f.rows_seen, f.complete) IS DISTINCT FROM (EXCLUDED.rows_seen, EXCLUDED.complete)
      RETURNING file_id`,
    [jsonText(rows)],
  );
  return result.rows.map((row) => row.file_id);
}

/** A full file that may not delist, and the sentence a person reads about it. */
export interface SuspiciousFile {
  fileId: string;
  chain: string;
  reason: string;
}

/**
 * Writes into the ledger why full files are not trusted, for those of the given files and their neighbours, and takes back what no
 * longer holds. Returns those that became suspicious just now.
 */
export async function reportSuspicion(client: pg.PoolClient, fileIds: readonly string[]): Promise<SuspiciousFile[]> {
  if (fileIds.length === 0) return [];
  const { rows } = await client.query<{ file_id: string; chain: string; error: string | null }>(
    `WITH touched AS (
      SELECT DISTINCT store_id, kind FROM full_files WHERE file_id = ANY($1::uuid[])
    ), judged AS (
      SELECT t.file_id, CASE
          WHEN t.trusted OR (t.complete AND t.rows_before IS NULL) THEN NULL
          WHEN NOT t.complete THEN 'nothing is delisted by this full file: it is cut short or broken after ' || t.rows_seen || ' rows'
          ELSE 'nothing is delisted by this full file: it has ' || t.rows_seen || ' rows where the one before had ' || t.rows_before
            || '. It waits for a next one like it, or for: gogobe files confirm ' || t.file_id
        END AS error
      FROM touched JOIN full_file_trust t USING (store_id, kind)
    )
    UPDATE files f SET error = j.error
    FROM judged j
    WHERE f.file_id = j.file_id AND f.error IS DISTINCT FROM j.error
      AND (j.error IS NOT NULL OR f.error LIKE 'nothing is delisted by this full file:%')
    RETURNING f.file_id, f.chain, f.error`,
    [fileIds],
  );
  return rows.flatMap((row) =>
    row.error === null ? [] : [{ fileId: row.file_id, chain: row.chain, reason: row.error }],
  );
}
