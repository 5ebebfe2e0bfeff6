import type { Consumer, Delivery, RetryPolicy } from "../shared/bus/bus.ts";
import { GROUPS, TOPICS } from "../shared/contracts/topics.ts";
import { recordStopped } from "../shared/database/ledger.ts";
import { errorMessage } from "../shared/errors.ts";
import { failpoint } from "../shared/failpoints.ts";
import type { RunningStage, StageDeps } from "../shared/stage.ts";
import { applyBatches } from "./apply.ts";
import { syncChains } from "./chains.ts";
import { ensurePartitions } from "./partitions.ts";
import { startRefresher } from "./refresher.ts";
import { createTurns } from "./turns.ts";

/** Flushes at once: one merges while the next one copies. */
const OVERLAP = 2;
/** How long a flush waits to fill up. */
const LINGER_MS = 50;

const INGEST_TOPICS = [TOPICS.stores, TOPICS.products, TOPICS.promotions];

/**
 * Starts the writer: takes batches from the three ingest topics, many per transaction, and acknowledges them when they are committed.
 */
export async function startWriter(deps: StageDeps): Promise<RunningStage> {
  const { config, db, log, metrics } = deps;
  await syncChains(db, deps.chains);
  await ensurePartitions(db, [new Date().toISOString(), inAMonth()]);
  const refresher = startRefresher(db, log, config.refreshSeconds);
  // What a killed process loaded may not be in the views yet.
  refresher.wanted();
  const inTurn = createTurns();

  const handle = async (deliveries: Delivery[]): Promise<void> => {
    const took = metrics.stageSeconds.startTimer({ stage: "writer" });
    const result = await applyBatches(
      db,
      deliveries.map((delivery) => delivery.value),
      { log, metrics, inTurn },
    );
    failpoint("writer:committed");
    took();
    if (result.batchesApplied > 0) refresher.wanted();
    log.debug({ batches: result.batchesApplied, skipped: result.batchesSkipped, rows: result.rows }, "flushed");
    for (const fileId of result.filesLoaded) log.info({ fileId }, "file loaded");
  };

  const retry: RetryPolicy = { attempts: config.retryAttempts, initialDelayMs: 500, maxDelayMs: 30_000 };
  const consumers: Consumer[] = [];
  for (const topic of INGEST_TOPICS) {
    consumers.push(
      await deps.bus.consume({
        topic,
        group: GROUPS.writer,
        concurrency: OVERLAP,
        maxBatch: config.writeFlushBatches,
        lingerMs: LINGER_MS,
        retry,
        serialKeys: false,
        stage: "writer",
        handler: handle,
        onDeadLetter: (delivery, error) => recordDeadBatch(deps, delivery, error),
      }),
    );
  }
  return {
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await refresher.stop();
    },
  };
}

/** A file of which a batch cannot be loaded never becomes complete: the ledger says so. */
async function recordDeadBatch({ db, metrics }: StageDeps, delivery: Delivery, error: unknown): Promise<void> {
  metrics.filesTotal.inc({ stage: "writer", outcome: "failed" });
  const fileId = (delivery.value as { fileId?: unknown } | null)?.fileId;
  if (typeof fileId !== "string" || !/^[0-9a-f-]{36}$/i.test(fileId)) return;
  await recordStopped(db, fileId, "failed", `a batch could not be loaded: ${errorMessage(error)}`);
}

function inAMonth(): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString();
}
