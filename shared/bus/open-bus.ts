import type pg from "pg";
import type { Config } from "../config.ts";
import { UsageError } from "../errors.ts";
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

/** The bus that configuration asks for: Kafka when KAFKA_BROKERS is set, else the queue on the database. */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  if (options.config.kafka !== null) throw new UsageError("KAFKA_BROKERS is set, but Kafka is not supported yet");
  return await openEmbeddedBus(options);
}
