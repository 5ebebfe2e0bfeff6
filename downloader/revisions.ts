import type { FileIdentity } from "../shared/contracts/file-messages.ts";
import type { FileStatus, Queryable } from "../shared/database/ledger.ts";

/** What the ledger knows of one revision of a name. */
export interface KnownRevision {
  fileId: string;
  revision: number;
  status: FileStatus;
  sha256: string | null;
}

/** Every revision of a file name in the ledger, oldest first. */
export async function knownRevisions(
  db: Queryable,
  file: { chain: string; fileName: string },
): Promise<KnownRevision[]> {
  const { rows } = await db.query<KnownRevision>({
    name: "downloader-revisions",
    text: `SELECT file_id AS "fileId", revision, status, sha256 FROM files WHERE chain = $1 AND file_name = $2 ORDER BY revision`,
    values: [file.chain, file.fileName],
  });
  return rows;
}

/**
 * A candidate revision turned out to be the bytes that are known already: only its size or time in the listing was new. The candidate
 * goes, and what was listed is remembered on the revision before it, so that the next listing raises no new one.
 */
export async function dropCandidate(db: Queryable, candidate: FileIdentity, previousFileId: string): Promise<void> {
  await db.query({
    name: "downloader-drop-candidate",
    text: `WITH candidate AS (DELETE FROM files WHERE file_id = $1 AND sha256 IS NULL RETURNING listed_size, listed_at)
      UPDATE files SET listed_size = coalesce(candidate.listed_size, files.listed_size),
        listed_at = coalesce(candidate.listed_at, files.listed_at)
      FROM candidate WHERE files.file_id = $2`,
    values: [candidate.fileId, previousFileId],
  });
}
