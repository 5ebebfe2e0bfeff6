import type pg from "pg";
import type { Config } from "../config.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Bus } from "./bus.ts";
import { openEmbeddedBus } from "./embedded-bus.ts";

export interface OpenBusOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  /** The database of the pipeline: where the embedded queue lives. */
  pool: pg.Pool;
  databaseUrl: string;
}

/**
 * The bus that configuration asks for: Kafka when KAFKA_BROKERS is set, else the queue on the database.
 * @throws {UsageError} when Kafka is configured and its optional client is not installed
 */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  const { config, log, metrics } = options;
  if (config.kafka !== null) {
    const { openKafkaBus } = await import("./kafka-bus.ts");
    return await openKafkaBus({ settings: config.kafka, log, metrics });
  }
  return await openEmbeddedBus(options);
}
