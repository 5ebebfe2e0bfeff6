import { messageKeyOf } from "../shared/contracts/file-identity.ts";
import { type FileDownloaded, fileDownloaded } from "../shared/contracts/file-messages.ts";
import type { FileTotals, IngestMessage } from "../shared/contracts/ingest-messages.ts";
import { GROUPS, ingestTopicOf, TOPICS } from "../shared/contracts/topics.ts";
import type { Delivery } from "../shared/bus/bus.ts";
import { recordParsed, recordStopped } from "../shared/database/ledger.ts";
import { errorMessage, UnreadableFileError } from "../shared/errors.ts";
import { failpoint } from "../shared/failpoints.ts";
import type { Metrics } from "../shared/observability/metrics.ts";
import type { RunningStage, StageDeps } from "../shared/stage.ts";
import { parseFile } from "./parse-file.ts";
import { openVerified } from "./verified-source.ts";

const STAGE = "parser";
/** Batches of one file on their way to the bus at once: above it, reading waits. */
const MAX_IN_FLIGHT = 4;
const MAX_TAG_LABELS = 1_000;
/** Which tags each registry of metrics names. */
const TAG_LABELS = new WeakMap<Metrics, Set<string>>();

/**
 * The parser as a service: takes downloaded files, publishes their rows in batches, then notes the file as parsed and acknowledges
 * it. A file that no reader can use is quarantined in the ledger and dead-lettered; the next one goes on.
 */
export async function startParser(deps: StageDeps): Promise<RunningStage> {
  const consumer = await deps.bus.consume({
    topic: TOPICS.downloaded,
    group: GROUPS.parser,
    concurrency: deps.config.parseConcurrency,
    maxBatch: 1,
    lingerMs: 0,
    retry: { attempts: deps.config.retryAttempts, initialDelayMs: 1_000, maxDelayMs: 60_000 },
    stage: STAGE,
    handler: async (deliveries, signal) => {
      for (const delivery of deliveries) await handle(deps, fileDownloaded.parse(delivery.value), signal);
    },
    onDeadLetter: (delivery, error) => stopFile(deps, delivery, error),
  });
  return { stop: () => consumer.stop() };
}

async function handle(deps: StageDeps, file: FileDownloaded, signal: AbortSignal): Promise<void> {
  const { metrics } = deps;
  const log = deps.log.child({ fileId: file.fileId, chain: file.chain, fileName: file.fileName });
  const endTimer = metrics.stageSeconds.startTimer({ stage: STAGE });
  const source = await openVerified(file, deps.store, deps.config.cacheDir, signal);
  let totals: FileTotals | undefined;
  try {
    totals = await publishBatches(deps, file, source.bytes, signal);
  } finally {
    await source.dispose();
  }
  failpoint("parser:published");
  await recordParsed(deps.db, file.fileId, totals);

  const seconds = endTimer();
  metrics.filesTotal.inc({ stage: STAGE, outcome: totals.complete ? "parsed" : "incomplete" });
  metrics.bytesTotal.inc({ stage: STAGE }, file.sizeBytes);
  metrics.rowsTotal.inc({ stage: STAGE, outcome: "read" }, totals.rowsRead - totals.rowsRejected);
  metrics.rowsTotal.inc({ stage: STAGE, outcome: "rejected" }, totals.rowsRejected);
  countUnknownTags(metrics, file.chain, totals.unknownTags);
  const { rowsRead, rowsRejected, complete, dialect, problems } = totals;
  log.info({ rowsRead, rowsRejected, complete, dialect, problems: problems.length, seconds }, "file parsed");
}

/** Files decide what tags are called: beyond a bound their names go under one label, so that no file can fill the registry. */
function countUnknownTags(metrics: Metrics, chain: string, tags: Readonly<Record<string, number>>): void {
  for (const [tag, count] of Object.entries(tags)) {
    const label = `${chain}/${tag}`;
    const known = labelsOf(metrics);
    const isNamed = known.has(label) || known.size < MAX_TAG_LABELS;
    if (isNamed) known.add(label);
    metrics.unknownTagsTotal.inc({ chain, tag: isNamed ? tag : "(other)" }, count);
  }
}

function labelsOf(metrics: Metrics): Set<string> {
  let labels = TAG_LABELS.get(metrics);
  if (labels === undefined) TAG_LABELS.set(metrics, (labels = new Set()));
  return labels;
}

/** Publishes the batches as they are read, a few at once. Resolves when every one is durable, with the totals of the last. */
async function publishBatches(
  deps: StageDeps,
  file: FileDownloaded,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<FileTotals> {
  const topic = ingestTopicOf(file.fileType);
  const key = messageKeyOf(file);
  const inFlight: Promise<void>[] = [];
  let totals: FileTotals | undefined;
  const publish = async (message: IngestMessage): Promise<void> => {
    await deps.bus.publish(topic, [{ key, value: message }]);
    failpoint("parser:batch-published");
  };
  try {
    const options = { maxExpandedBytes: deps.config.maxExpandedBytes };
    for await (const message of parseFile(bytes, file, options)) {
      signal.throwIfAborted();
      totals = message.totals ?? totals;
      if (inFlight.length >= MAX_IN_FLIGHT) await inFlight.shift();
      inFlight.push(publish(message));
    }
    await Promise.all(inFlight);
  } catch (error) {
    // What is on its way must have ended before the file is tried again.
    await Promise.allSettled(inFlight);
    throw error;
  }
  if (totals === undefined) throw new Error(`no last batch came of ${file.fileName}`);
  return totals;
}

async function stopFile(deps: StageDeps, delivery: Delivery, error: unknown): Promise<void> {
  const status = error instanceof UnreadableFileError ? "quarantined" : "failed";
  deps.metrics.filesTotal.inc({ stage: STAGE, outcome: status });
  const fileId = fileIdIn(delivery.value);
  deps.log.warn({ fileId, error: errorMessage(error) }, `file ${status}`);
  if (fileId !== undefined) await recordStopped(deps.db, fileId, status, errorMessage(error));
}

/** The file id of a message that may not be valid otherwise. */
function fileIdIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("fileId" in value)) return undefined;
  const { fileId } = value;
  return typeof fileId === "string" && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(fileId)
    ? fileId
    : undefined;
}
