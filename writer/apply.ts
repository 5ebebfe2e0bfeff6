import { DatabaseError, type Pool, type PoolClient } from "pg";
import { PermanentError } from "../shared/errors.ts";
import type { Log } from "../shared/observability/log.ts";
import type { Metrics } from "../shared/observability/metrics.ts";
import { findApplied, type FreshBatches, recordBatches } from "./applied-batches.ts";
import { copyToStaging } from "./copy.ts";
import { type FlushBatch, prepareFlush } from "./flush.ts";
import { lockStores } from "./locks.ts";
import { placeAmongFullFiles, stageBatches, yieldToNewReading } from "./merge/batches.ts";
import { delistPrices, withdrawPromotions } from "./merge/delist.ts";
import { logFullFiles, reportSuspicion, type SuspiciousFile } from "./merge/full-files.ts";
import { addHistory, addLateHistory, dropRepeatedPoints } from "./merge/history.ts";
import { addMasters, addNewItems, type MasterConflict } from "./merge/items.ts";
import { ensureLedger, markLoaded, recordTotals, reportConflicts } from "./merge/ledger.ts";
import { mergePrices } from "./merge/prices.ts";
import { mergePromotions } from "./merge/promotions.ts";
import { countRejectedPrices, countRejectedPromotions, keepRejected } from "./merge/rejected.ts";
import { resolveKnown, resolveNew } from "./merge/sightings.ts";
import { addUnknownChains, mergeStores } from "./merge/stores.ts";
import { followChangedCodes, readWordingRevisions, settleWording } from "./merge/wording.ts";
import { ensurePartitions } from "./partitions.ts";
import { stageRows } from "./stage-rows.ts";
import { ensureStaging } from "./staging.ts";

export interface ApplyDeps {
  log: Log;
  metrics: Metrics;
  /** Runs the merge of this flush in its turn among the flushes of this process, while others may copy. Default: at once. */
  inTurn?: <T>(merge: () => Promise<T>) => Promise<T>;
}

/** What one transaction did. */
export interface ApplyResult {
  batchesApplied: number;
  /** Loaded before, or of an older parser version than their file. */
  batchesSkipped: number;
  rows: number;
  rowsRejected: number;
  /** Files that this transaction made complete. */
  filesLoaded: string[];
  suspicious: SuspiciousFile[];
  conflicts: MasterConflict[];
}

/** Serialization failure, deadlock, lock timeout: the whole transaction may be tried again. */
const WORTH_ANOTHER_TRY = new Set(["40001", "40P01", "55P03"]);
const TRIES = 3;

/**
 * Loads many batches in one transaction: all of them, or none. A batch that was loaded before changes nothing, so a caller may repeat.
 * @throws {InvalidMessageError} a message is not as agreed; nothing of the call is loaded
 * @throws {PermanentError} a value that no column takes; nothing of the call is loaded
 */
export async function applyBatches(db: Pool, messages: readonly unknown[], deps: ApplyDeps): Promise<ApplyResult> {
  const batches = prepareFlush(messages);
  if (batches.length === 0) return emptyResult();
  await ensurePartitions(
    db,
    batches.map((batch) => batch.message.publishedAt),
  );
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await runTransaction(db, batches, deps);
      report(result, deps);
      return result;
    } catch (error) {
      const code = error instanceof DatabaseError ? (error.code ?? "") : "";
      if (WORTH_ANOTHER_TRY.has(code) && attempt < TRIES) continue;
      if (code.startsWith("22") || code.startsWith("23")) throw refused(batches, error as DatabaseError);
      throw error;
    }
  }
}

async function runTransaction(db: Pool, batches: readonly FlushBatch[], deps: ApplyDeps): Promise<ApplyResult> {
  const client = await db.connect();
  let broken: Error | undefined;
  try {
    await ensureStaging(client);
    await client.query("BEGIN; SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1; SET LOCAL work_mem = '64MB'");
    const applied = await findApplied(client, batches);
    await copyToStaging(client, stageRows(batches.filter((batch) => !applied.has(batch.message.batch_id))));
    const inTurn = deps.inTurn ?? ((merge) => merge());
    return await inTurn(async () => {
      const result = await merge(client, batches);
      await client.query("COMMIT");
      return result;
    });
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Every writer takes what it needs in this order, and each kind in the order of its key: stores (advisory, then rows), items, masters,
 * links, the wordings of chains. So writers wait for each other and never in a circle.
 */
async function merge(client: PoolClient, batches: readonly FlushBatch[]): Promise<ApplyResult> {
  await lockStores(
    client,
    batches.map((batch) => batch.lockName),
  );
  const decided = await recordBatches(client, batches);
  const { fresh } = decided;
  const result = { ...emptyResult(), batchesApplied: fresh.length, batchesSkipped: batches.length - fresh.length };
  if (fresh.length > 0) {
    await addUnknownChains(client, fresh);
    await mergeStores(client, fresh);
    await stageBatches(client, fresh);
    await yieldToNewReading(client, decided.reparsedFileIds);
    await ensureLedger(client, fresh);
    await recordTotals(client, fresh);
  }
  const fullFiles = await logFullFiles(client, decided.loaded);
  if (fresh.length > 0) Object.assign(result, await mergeRows(client, decided));
  await delistPrices(client, fullFiles);
  await withdrawPromotions(client, fullFiles);
  result.filesLoaded = await markLoaded(client, decided.loaded);
  result.suspicious = await reportSuspicion(client, suspects(decided, fullFiles, result.filesLoaded));
  await reportConflicts(client, result.conflicts);
  return result;
}

/** Full files whose standing may be new: those judged anew, and those whose ledger row has just become loaded. */
function suspects({ loaded }: FreshBatches, judged: readonly string[], filesLoaded: readonly string[]): string[] {
  const justLoaded = new Set(filesLoaded);
  const full = loaded.filter((file) => file.isFull && justLoaded.has(file.message.fileId));
  return [...judged, ...full.map((file) => file.message.fileId)];
}

async function mergeRows(
  client: PoolClient,
  { fresh, rereadFileIds }: FreshBatches,
): Promise<Pick<ApplyResult, "rows" | "rowsRejected" | "conflicts">> {
  const kinds = new Set(fresh.filter(({ message }) => message.items.length > 0).map((batch) => batch.kind));
  const hasRejected = fresh.some(({ message }) => message.rejected.length > 0);
  const rowsRejected = hasRejected ? await keepRejected(client) : 0;
  await placeAmongFullFiles(client);
  let conflicts: MasterConflict[] = [];
  if (kinds.has("price") || kinds.has("promo")) {
    const revisions = await readWordingRevisions(
      client,
      fresh.map((batch) => batch.message.chain),
    );
    const missing = kinds.has("price") ? await resolveKnown(client) : 0;
    const newItems = missing > 0 || kinds.has("promo") ? await addNewItems(client) : 0;
    if (missing > 0) await resolveNew(client);
    conflicts = await addMasters(client, newItems);
    if (kinds.has("promo")) await mergePromotions(client);
    if (kinds.has("price")) await mergePricedRows(client, revisions, rereadFileIds);
  }
  if (hasRejected && !kinds.has("price")) await countRejectedPrices(client);
  if (hasRejected || kinds.has("promo")) await countRejectedPromotions(client);
  return { rows: fresh.reduce((sum, { message }) => sum + message.items.length, 0), rowsRejected, conflicts };
}

async function mergePricedRows(
  client: PoolClient,
  revisions: ReadonlyMap<string, string>,
  rereadFileIds: readonly string[],
): Promise<void> {
  await mergePrices(client);
  await countRejectedPrices(client);
  await addHistory(client);
  await addLateHistory(client);
  await dropRepeatedPoints(client, rereadFileIds);
  await settleWording(client, revisions);
  await followChangedCodes(client);
}

function emptyResult(): ApplyResult {
  return {
    batchesApplied: 0,
    batchesSkipped: 0,
    rows: 0,
    rowsRejected: 0,
    filesLoaded: [],
    suspicious: [],
    conflicts: [],
  };
}

function refused(batches: readonly FlushBatch[], error: DatabaseError): PermanentError {
  const first = batches[0]?.message;
  const where =
    batches.length === 1 && first
      ? `batch ${first.batchIndex} of ${first.fileName}`
      : `one of ${batches.length} batches`;
  return new PermanentError(`the database refused a value in ${where}: ${error.message}`, {
    cause: error,
    hint: error.where ?? "the parser should have rejected that row",
  });
}

function report(result: ApplyResult, { log, metrics }: ApplyDeps): void {
  metrics.batchesTotal.inc({ outcome: "applied" }, result.batchesApplied);
  metrics.batchesTotal.inc({ outcome: "already-seen" }, result.batchesSkipped);
  metrics.rowsTotal.inc({ stage: "writer", outcome: "loaded" }, result.rows);
  metrics.rowsTotal.inc({ stage: "writer", outcome: "rejected" }, result.rowsRejected);
  metrics.filesTotal.inc({ stage: "writer", outcome: "loaded" }, result.filesLoaded.length);
  for (const file of result.suspicious) {
    metrics.suspiciousFilesTotal.inc({ chain: file.chain });
    log.warn({ fileId: file.fileId, chain: file.chain }, file.reason);
  }
  for (const conflict of result.conflicts) log.error(conflict, "two master keys on one id: the item was not linked");
}
