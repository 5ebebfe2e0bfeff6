import type pg from "pg";
import type { FileIdentity } from "../contracts/file-messages.ts";

export const FILE_STATUSES = ["discovered", "downloaded", "parsed", "loaded", "quarantined", "failed"] as const;
export type FileStatus = (typeof FILE_STATUSES)[number];

/** A pool or a client inside a transaction. */
export type Queryable = Pick<pg.Pool, "query">;

const IDENTITY_COLUMNS = `file_id, chain, chain_id, sub_chain_code, store_code, portal, file_name, file_type, revision, version, published_at, source_url`;

/** The identity of a file as ledger parameters 1 to 12. `sourceUrl` must be redacted already. */
function identityValues(file: FileIdentity, sourceUrl: string): unknown[] {
  return [
    file.fileId,
    file.chain,
    file.chainId,
    file.subChainId,
    file.storeId,
    file.portal,
    file.fileName,
    file.fileType,
    file.revision,
    file.version,
    file.publishedAt,
    sourceUrl,
  ];
}

/** What a stage reports of a file it has stored. */
export interface DownloadFacts {
  objectUri: string;
  sha256: string;
  sizeBytes: number;
  etag: string;
  downloadedAt: string;
  sourceUrl: string;
}

/**
 * The file's bytes are stored. Creates the row where the ledger has none (replay without a ledger). Never backwards, unless a person
 * asked for a replay.
 */
export async function recordDownloaded(
  db: Queryable,
  file: FileIdentity,
  facts: DownloadFacts,
  replay = false,
): Promise<void> {
  await db.query({
    name: "ledger-downloaded",
    text: `INSERT INTO files (${IDENTITY_COLUMNS}, status, object_uri, sha256, size_bytes, etag, downloaded_at, discovered_at, enqueued_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'downloaded', $13, $14, $15, $16, $17, now(), now())
      ON CONFLICT (file_id) DO UPDATE SET
        object_uri = EXCLUDED.object_uri, sha256 = EXCLUDED.sha256, size_bytes = EXCLUDED.size_bytes, etag = EXCLUDED.etag,
        downloaded_at = coalesce(files.downloaded_at, EXCLUDED.downloaded_at),
        status = CASE WHEN $18 OR files.status IN ('discovered', 'failed') THEN 'downloaded' ELSE files.status END,
        error = CASE WHEN $18 OR files.status IN ('discovered', 'failed') THEN NULL ELSE files.error END,
        changed_at = now()`,
    values: [
      ...identityValues(file, facts.sourceUrl),
      facts.objectUri,
      facts.sha256,
      facts.sizeBytes,
      facts.etag,
      facts.downloadedAt,
      replay,
    ],
  });
}

/** What the parser reports when every batch of a file is published. */
export interface ParseFacts {
  batchCount: number;
  rowsClaimed: number | null;
  rowsRead: number;
  rowsRejected: number;
  rowsRepeated?: number;
  complete: boolean;
  dialect: string;
  encoding: string;
  container: string;
  header: Record<string, string>;
  unknownTags: Record<string, number>;
  problems: string[];
}

/** All batches are on the bus. A file that the writer already loaded stays loaded; one that had failed is on its way again. */
export async function recordParsed(db: Queryable, fileId: string, facts: ParseFacts): Promise<void> {
  await db.query({
    name: "ledger-parsed",
    text: `UPDATE files SET
        batch_count = $2, rows_claimed = $3, rows_read = $4, rows_rejected = $5, complete = $6, dialect = $7, encoding = $8, container = $9,
        header = $10, unknown_tags = $11, problems = $12, rows_repeated = $13, parsed_at = now(), changed_at = now(),
        error = CASE WHEN status = 'failed' THEN NULL ELSE error END,
        status = CASE WHEN status IN ('discovered', 'downloaded', 'failed') THEN 'parsed' ELSE status END
      WHERE file_id = $1`,
    values: [
      fileId,
      facts.batchCount,
      facts.rowsClaimed,
      facts.rowsRead,
      facts.rowsRejected,
      facts.complete,
      facts.dialect,
      facts.encoding,
      facts.container,
      JSON.stringify(facts.header),
      JSON.stringify(facts.unknownTags),
      JSON.stringify(facts.problems),
      facts.rowsRepeated ?? null,
    ],
  });
}

/**
 * The file is out of the line: `quarantined` (no reader can use it) or `failed` (attempts used up). A file that is loaded stays loaded.
 */
export async function recordStopped(
  db: Queryable,
  fileId: string,
  status: "quarantined" | "failed",
  error: string,
): Promise<void> {
  await db.query({
    name: "ledger-stopped",
    text: `UPDATE files SET status = $2, error = $3, changed_at = now() WHERE file_id = $1 AND status <> 'loaded'`,
    values: [fileId, status, error],
  });
}

/** Files that are still on their way. */
export async function countUnfinished(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM files WHERE status IN ('discovered', 'downloaded', 'parsed')`,
  );
  return Number(rows[0]?.count ?? 0);
}
