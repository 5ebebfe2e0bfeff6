import type pg from "pg";
import { downloadedMessage, type FileRow } from "../crawlers/file-rows.ts";
import { comparableCode, type FileType } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import type { FileStatus, Queryable } from "../shared/database/ledger.ts";
import { UsageError } from "../shared/errors.ts";

/** A row of the ledger, as far as the command line needs it. */
export interface LedgerFile extends FileRow {
  status: FileStatus;
  complete: boolean | null;
  rows_claimed: number | null;
  rows_read: number | null;
  rows_rejected: number | null;
  rows_repeated: number | null;
  header: Record<string, string> | null;
  /** Tags that no dialect knows, each with how often it came. */
  unknown_tags: Record<string, number> | null;
  problems: string[] | null;
  error: string | null;
}

export interface FileFilter {
  statuses?: readonly FileStatus[];
  chains?: readonly string[];
  types?: readonly FileType[];
  /** Compared without leading zeros; stores files are every store's. */
  stores?: readonly string[];
  /** Israel days of publication, both inclusive. */
  since?: string;
  until?: string;
  /** Only the newest file per chain id, store and type. */
  latest?: boolean;
  limit?: number;
}

const STORE_KEY = "coalesce(nullif(ltrim(store_code, '0'), ''), '0')";

/** Files of the ledger that pass a filter, newest first. */
export async function findFiles(db: Queryable, filter: FileFilter): Promise<LedgerFile[]> {
  const asked = `FROM files
     WHERE ($1::text[] IS NULL OR status = ANY ($1)) AND ($2::text[] IS NULL OR chain = ANY ($2)) AND ($3::text[] IS NULL OR file_type = ANY ($3))
       AND ($4::date IS NULL OR published_at >= $4::date::timestamp AT TIME ZONE 'Asia/Jerusalem')
       AND ($5::date IS NULL OR published_at < ($5::date + 1)::timestamp AT TIME ZONE 'Asia/Jerusalem')
       AND ($6::text[] IS NULL OR file_type = 'stores' OR store_code IS NULL OR ${STORE_KEY} = ANY ($6))`;
  const newest = `FROM (SELECT DISTINCT ON (chain, chain_id, ${STORE_KEY}, file_type) * ${asked}
     ORDER BY chain, chain_id, ${STORE_KEY}, file_type, version DESC) AS newest`;
  const { rows } = await db.query<LedgerFile>(
    `SELECT * ${filter.latest ? newest : asked} ORDER BY published_at DESC, file_id LIMIT $7`,
    [
      filter.statuses ?? null,
      filter.chains ?? null,
      filter.types ?? null,
      filter.since ?? null,
      filter.until ?? null,
      filter.stores?.map(comparableCode) ?? null,
      filter.limit ?? null,
    ],
  );
  return rows;
}

/**
 * The one file that a person means by an id or a published name; of several revisions the newest.
 * @throws {UsageError} when there is none, or when several chains have one of that name
 */
export async function findFile(db: pg.Pool, idOrName: string): Promise<LedgerFile> {
  const { rows } = await db.query<LedgerFile>(
    "SELECT * FROM files WHERE file_id::text = $1 OR file_name = $1 ORDER BY revision DESC",
    [idOrName],
  );
  const [file] = rows;
  if (file === undefined) {
    throw new UsageError(`the ledger has no file "${idOrName}"`, { hint: "gogobe files list shows names and ids" });
  }
  if (new Set(rows.map((row) => row.chain)).size > 1) {
    const ids = rows.map((row) => `${row.chain} ${row.file_id}`).join(", ");
    throw new UsageError(`several chains have a file "${idOrName}"`, { hint: `name it by its id: ${ids}` });
  }
  return file;
}

/** The message of a stored file; null when no object is stored. */
export function storedMessageOf(file: LedgerFile): FileDownloaded | null {
  if (file.object_uri === null || file.sha256 === null || file.size_bytes === null) return null;
  return downloadedMessage(file);
}
