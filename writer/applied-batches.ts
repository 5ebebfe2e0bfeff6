import type pg from "pg";
import type { FileTotals, IngestMessage } from "../shared/contracts/ingest-messages.ts";
import { type FlushBatch, isFull } from "./flush.ts";
import { jsonText } from "./copy-text.ts";

/** One line per batch of every file of a flush, as the table `batches` has it. */
interface KnownBatch {
  batch_id: string;
  file_id: string;
  parser_version: number;
  batch_index: number;
  row_count: number;
  seen_count: number;
  batch_count: number | null;
  complete: boolean | null;
}

/** A file whose batches are all loaded. */
export interface LoadedFile {
  message: IngestMessage;
  kind: FlushBatch["kind"];
  isFull: boolean;
  rowsSeen: number;
  complete: boolean;
}

export interface FreshBatches {
  /** Not loaded before, and not of an older parser version than their file. */
  fresh: FlushBatch[];
  /** Files that a newer parser version reads again: their old rows must yield. */
  reparsedFileIds: string[];
  /** Those, and the files of which a newer parser version goes on after an earlier flush. */
  rereadFileIds: string[];
  /** Every file of the flush of which no batch is missing now, whether this flush changes it or not. */
  loaded: LoadedFile[];
}

/** Which of these batches are in the database already. A hint: only a look under the locks decides. */
export async function findApplied(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<Set<string>> {
  const { rows } = await client.query<{ batch_id: string }>(
    "SELECT batch_id FROM batches WHERE batch_id = ANY($1::uuid[])",
    [batches.map((batch) => batch.message.batch_id)],
  );
  return new Set(rows.map((row) => row.batch_id));
}

/**
 * Records the batches of a flush that are new, in the transaction that loads them, and says which files they complete. The locks of
 * all their stores are held, so no other writer decides about the same files meanwhile.
 */
export async function recordBatches(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<FreshBatches> {
  const fileIds = [...new Set(batches.map((batch) => batch.message.fileId))];
  const { rows } = await client.query<KnownBatch>(
    `SELECT batch_id, file_id, parser_version, batch_index, row_count, seen_count, batch_count, complete
      FROM batches WHERE file_id = ANY($1::uuid[])`,
    [fileIds],
  );
  const known = groupByFile(rows);
  const offered = Map.groupBy(batches, (batch) => batch.message.fileId);
  const result: FreshBatches = { fresh: [], reparsedFileIds: [], rereadFileIds: [], loaded: [] };
  for (const [fileId, ofFile] of offered) judgeFile(known.get(fileId) ?? [], ofFile, result);
  if (result.fresh.length > 0) await insertBatches(client, result.fresh);
  return result;
}

function groupByFile(rows: readonly KnownBatch[]): Map<string, KnownBatch[]> {
  return Map.groupBy(rows, (row) => row.file_id);
}

function judgeFile(known: readonly KnownBatch[], offered: readonly FlushBatch[], result: FreshBatches): void {
  const seenVersion = Math.max(0, ...known.map((batch) => batch.parser_version));
  const newestVersion = Math.max(seenVersion, ...offered.map((batch) => batch.message.parserVersion));
  const applied = new Set(known.map((batch) => batch.batch_id));
  const fresh = offered.filter(
    ({ message }) => message.parserVersion === newestVersion && !applied.has(message.batch_id),
  );
  result.fresh.push(...fresh);
  const first = offered[0];
  if (!first) return;
  if (seenVersion > 0 && newestVersion > seenVersion) result.reparsedFileIds.push(first.message.fileId);
  if (known.some((batch) => batch.parser_version < newestVersion)) result.rereadFileIds.push(first.message.fileId);
  const all = [...known.filter((batch) => batch.parser_version === newestVersion), ...fresh.map(asKnown)];
  const last = all.find((batch) => batch.batch_count !== null);
  const indexes = new Set(all.map((batch) => batch.batch_index));
  if (!last || indexes.size !== last.batch_count) return;
  const newest = offered.find(({ message }) => message.parserVersion === newestVersion) ?? first;
  result.loaded.push({
    message: newest.message,
    kind: newest.kind,
    isFull: isFull(newest.message),
    rowsSeen: all.reduce((sum, batch) => sum + batch.seen_count, 0),
    complete: last.complete ?? false,
  });
}

function asKnown({ message, seenCount }: FlushBatch): KnownBatch {
  const totals: FileTotals | undefined = message.totals;
  return {
    batch_id: message.batch_id,
    file_id: message.fileId,
    parser_version: message.parserVersion,
    batch_index: message.batchIndex,
    row_count: message.items.length,
    seen_count: seenCount,
    batch_count: totals?.batchCount ?? null,
    complete: totals?.complete ?? null,
  };
}

async function insertBatches(client: pg.PoolClient, batches: readonly FlushBatch[]): Promise<void> {
  await client.query(
    `INSERT INTO batches (batch_id, file_id, parser_version, batch_index, row_count, seen_count, batch_count, complete)
      SELECT batch_id, file_id, parser_version, batch_index, row_count, seen_count, batch_count, complete
      FROM jsonb_to_recordset($1) AS b (batch_id uuid, file_id uuid, parser_version integer, batch_index integer,
        row_count integer, seen_count integer, batch_count integer, complete boolean)`,
    [jsonText(batches.map(asKnown))],
  );
}
