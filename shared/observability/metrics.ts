import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Every metric of gogobe. One object per process, handed to whoever counts. */
export interface Metrics {
  registry: Registry;
  filesTotal: Counter<"stage" | "outcome">;
  bytesTotal: Counter<"stage">;
  rowsTotal: Counter<"stage" | "outcome">;
  batchesTotal: Counter<"outcome">;
  deadLettersTotal: Counter<"topic">;
  retriesTotal: Counter<"stage">;
  stageSeconds: Histogram<"stage">;
  listingsTotal: Counter<"chain" | "state">;
  listingState: Gauge<"chain" | "state">;
  listingLateSeconds: Histogram;
  unknownTagsTotal: Counter<"chain" | "tag">;
  suspiciousFilesTotal: Counter<"chain">;
  consumerLag: Gauge<"topic" | "group">;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    filesTotal: new Counter({
      name: "gogobe_files_total",
      help: "Files handled, by stage and outcome",
      labelNames: ["stage", "outcome"],
      registers,
    }),
    bytesTotal: new Counter({
      name: "gogobe_bytes_total",
      help: "Bytes read, by stage",
      labelNames: ["stage"],
      registers,
    }),
    rowsTotal: new Counter({
      name: "gogobe_rows_total",
      help: "Rows handled, by stage and outcome",
      labelNames: ["stage", "outcome"],
      registers,
    }),
    batchesTotal: new Counter({
      name: "gogobe_batches_total",
      help: "Batches at the writer: applied or already seen",
      labelNames: ["outcome"],
      registers,
    }),
    deadLettersTotal: new Counter({
      name: "gogobe_dead_letters_total",
      help: "Messages that went to a dead-letter topic",
      labelNames: ["topic"],
      registers,
    }),
    retriesTotal: new Counter({
      name: "gogobe_retries_total",
      help: "Tries beyond the first",
      labelNames: ["stage"],
      registers,
    }),
    stageSeconds: new Histogram({
      name: "gogobe_stage_seconds",
      help: "Time for one file (writer: one flush)",
      labelNames: ["stage"],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300],
      registers,
    }),
    listingsTotal: new Counter({
      name: "gogobe_listings_total",
      help: "Listing runs by chain and state",
      labelNames: ["chain", "state"],
      registers,
    }),
    listingState: new Gauge({
      name: "gogobe_listing_state",
      help: "1 for the state of a chain's newest listing, 0 for every other state",
      labelNames: ["chain", "state"],
      registers,
    }),
    listingLateSeconds: new Histogram({
      name: "gogobe_listing_late_seconds",
      help: "How long after its time a listing started",
      buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 1800],
      registers,
    }),
    unknownTagsTotal: new Counter({
      name: "gogobe_unknown_tags_total",
      help: "Rows with a tag that no dialect knows: a renamed field shows the same day",
      labelNames: ["chain", "tag"],
      registers,
    }),
    suspiciousFilesTotal: new Counter({
      name: "gogobe_suspicious_files_total",
      help: "Full files that are not trusted to delist",
      labelNames: ["chain"],
      registers,
    }),
    consumerLag: new Gauge({
      name: "gogobe_consumer_lag",
      help: "Messages waiting, by topic and consumer group",
      labelNames: ["topic", "group"],
      registers,
    }),
  };
}
