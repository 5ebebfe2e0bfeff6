import type pg from "pg";
import type { Bus } from "../shared/bus/bus.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import type { FileIdentity } from "../shared/contracts/file-messages.ts";
import { TOPICS } from "../shared/contracts/topics.ts";
import { failpoint } from "../shared/failpoints.ts";
import { redactUrl } from "../shared/observability/log.ts";
import { discoveredMessage } from "./file-rows.ts";
import { type Candidate, identityOf } from "./listed-file.ts";
import { publishRows } from "./publish-rows.ts";

/** Rows per statement. */
const CHUNK = 500;
const MAX_REVISION = 999;

/** The newest revision of a name in the ledger. */
interface KnownFile {
  file_id: string;
  file_name: string;
  revision: number;
  status: string;
  enqueued: boolean;
  listed_size: string | null;
  listed_at: string | null;
  size_bytes: string | null;
}

export interface Recorded {
  /** Rows that are new in the ledger: files never seen, and candidate revisions of files listed with another size or time. */
  created: number;
  revisions: number;
}

/**
 * Writes listed files into the ledger, unpublished. A name that is known under this chain, or under another registry entry with the
 * same chain id (`siblings`), stays one file. `freshUrls` receives the link of every file that still waits for publication.
 */
export async function recordListed(
  db: pg.Pool,
  chain: Chain,
  siblings: readonly string[],
  candidates: readonly Candidate[],
  freshUrls: Map<string, string>,
): Promise<Recorded> {
  const total: Recorded = { created: 0, revisions: 0 };
  for (let start = 0; start < candidates.length; start += CHUNK) {
    const chunk = candidates.slice(start, start + CHUNK);
    const names = chunk.map((candidate) => candidate.listed.fileName);
    const known = await knownFiles(db, chain.key, names);
    const elsewhere = siblings.length === 0 ? new Set<string>() : await namesElsewhere(db, siblings, chunk, chain);
    const plan = planRows(chain, chunk, known, elsewhere, freshUrls);
    if (plan.remember.length > 0) await rememberListing(db, plan.remember);
    total.created += await insertFiles(db, plan.insert);
    total.revisions += plan.insert.filter((row) => row.identity.revision > 0).length;
  }
  if (total.created > 0) failpoint("crawler:ledger-written");
  return total;
}

interface NewRow {
  identity: FileIdentity;
  candidate: Candidate;
}

function planRows(
  chain: Chain,
  candidates: readonly Candidate[],
  known: Map<string, KnownFile>,
  elsewhere: Set<string>,
  freshUrls: Map<string, string>,
) {
  const insert: NewRow[] = [];
  const remember: { fileId: string; listedSize: number | null; listedAt: string | null }[] = [];
  for (const candidate of candidates) {
    const { listed } = candidate;
    const file = known.get(listed.fileName);
    if (!file) {
      if (elsewhere.has(listed.fileName)) continue;
      const identity = identityOf(chain, candidate, 0);
      insert.push({ identity, candidate });
      freshUrls.set(identity.fileId, listed.url);
      continue;
    }
    if (!file.enqueued) freshUrls.set(file.file_id, listed.url);
    // A file not fetched yet is fetched as it is now; its first listing stays on record, so a later change still shows.
    if (file.status === "discovered") continue;
    if (isChanged(listed, file) && file.revision < MAX_REVISION) {
      const identity = identityOf(chain, candidate, file.revision + 1);
      insert.push({ identity, candidate });
      freshUrls.set(identity.fileId, listed.url);
    } else if (tellsMore(listed, file)) {
      remember.push({ fileId: file.file_id, listedSize: listed.sizeBytes, listedAt: listed.listedAt });
    }
  }
  return { insert, remember };
}

/** Whether a known name is listed with another size or time. What either side does not know is no difference. */
function isChanged(listed: Candidate["listed"], known: KnownFile): boolean {
  const size = known.listed_size ?? known.size_bytes;
  if (listed.sizeBytes !== null && size !== null && listed.sizeBytes !== Number(size)) return true;
  return listed.listedAt !== null && known.listed_at !== null && listed.listedAt !== known.listed_at;
}

function tellsMore(listed: Candidate["listed"], known: KnownFile): boolean {
  return (
    (listed.sizeBytes !== null && known.listed_size === null) || (listed.listedAt !== null && known.listed_at === null)
  );
}

async function knownFiles(db: pg.Pool, chain: string, names: string[]): Promise<Map<string, KnownFile>> {
  const { rows } = await db.query<KnownFile>({
    name: "crawler-known-files",
    text: `SELECT DISTINCT ON (file_name) file_id, file_name, revision, status, enqueued_at IS NOT NULL AS enqueued,
        listed_size, listed_at, size_bytes
      FROM files WHERE chain = $1 AND file_name = ANY($2::text[])
      ORDER BY file_name, revision DESC`,
    values: [chain, names],
  });
  return new Map(rows.map((row) => [row.file_name, row]));
}

async function namesElsewhere(
  db: pg.Pool,
  siblings: readonly string[],
  candidates: readonly Candidate[],
  chain: Chain,
): Promise<Set<string>> {
  const { rows } = await db.query<{ file_name: string }>({
    name: "crawler-known-elsewhere",
    text: `SELECT DISTINCT f.file_name FROM files f
      JOIN unnest($2::text[], $3::text[]) AS listed (file_name, chain_id) USING (file_name, chain_id)
      WHERE f.chain = ANY($1::text[])`,
    values: [
      siblings,
      candidates.map((candidate) => candidate.listed.fileName),
      candidates.map((candidate) => identityOf(chain, candidate, 0).chainId),
    ],
  });
  return new Set(rows.map((row) => row.file_name));
}

async function insertFiles(db: pg.Pool, rows: readonly NewRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const column = <T>(value: (row: NewRow) => T) => rows.map(value);
  const result = await db.query({
    name: "crawler-insert-files",
    text: `INSERT INTO files (file_id, chain, chain_id, sub_chain_code, store_code, portal, file_name, file_type, revision, version,
        published_at, source_url, listed_size, listed_at, status, discovered_at)
      SELECT *, 'discovered', now() FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::integer[], $10::text[], $11::timestamptz[], $12::text[], $13::bigint[], $14::text[])
      ON CONFLICT DO NOTHING`,
    values: [
      column(({ identity }) => identity.fileId),
      column(({ identity }) => identity.chain),
      column(({ identity }) => identity.chainId),
      column(({ identity }) => identity.subChainId),
      column(({ identity }) => identity.storeId),
      column(({ identity }) => identity.portal),
      column(({ identity }) => identity.fileName),
      column(({ identity }) => identity.fileType),
      column(({ identity }) => identity.revision),
      column(({ identity }) => identity.version),
      column(({ identity }) => identity.publishedAt),
      column(({ candidate }) => redactUrl(candidate.listed.url)),
      column(({ candidate }) => candidate.listed.sizeBytes),
      column(({ candidate }) => candidate.listed.listedAt),
    ],
  });
  return result.rowCount ?? 0;
}

/** Fills in what a listing tells of a file that the ledger met without one (ingested by hand, or listed without a size before). */
async function rememberListing(
  db: pg.Pool,
  rows: readonly { fileId: string; listedSize: number | null; listedAt: string | null }[],
): Promise<void> {
  await db.query({
    name: "crawler-remember-listing",
    text: `UPDATE files SET listed_size = coalesce(files.listed_size, l.listed_size), listed_at = coalesce(files.listed_at, l.listed_at)
      FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS l (file_id, listed_size, listed_at)
      WHERE files.file_id = l.file_id`,
    values: [rows.map((row) => row.fileId), rows.map((row) => row.listedSize), rows.map((row) => row.listedAt)],
  });
}

/**
 * Publishes what the ledger holds unpublished, oldest version first, and marks it. Two crawlers never publish the same file; a crash
 * in between publishes it again later, and nothing is lost.
 * @param scope one chain, or all of them when omitted
 * @returns how many were published
 */
export function publishOutbox(
  deps: { db: pg.Pool; bus: Bus },
  scope: { chain?: string; freshUrls?: ReadonlyMap<string, string> } = {},
): Promise<number> {
  return publishRows(deps, {
    topic: TOPICS.discovered,
    where: "enqueued_at IS NULL AND ($1::text IS NULL OR chain = $1)",
    values: [scope.chain ?? null],
    message: (row) => discoveredMessage(row, scope.freshUrls?.get(row.file_id)),
    mark: "enqueued_at = now(), changed_at = now()",
    published: () => failpoint("crawler:published"),
  });
}
