import { Pool } from "pg";
import type { ConsumeOptions } from "../../shared/bus/bus.ts";
import { openEmbeddedBus } from "../../shared/bus/embedded-bus.ts";
import { openKafkaBus } from "../../shared/bus/kafka-bus.ts";
import { kafkaSettings } from "./bus-kafka-world.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { consume, GROUP } from "./bus-world.ts";

// Run by `startHolder`: prints every value that it is given, one line each, and never finishes any.
const { TEST_TOPIC: name = "", TEST_OPTIONS: options = "{}", TEST_DATABASE_URL: databaseUrl = "" } = process.env;
const table = new Map([[name, [GROUP]]]);
const log = createLog({ level: "warn" });
const metrics = createMetrics();
const brokers = process.env["TEST_BROKERS"];
const bus =
  brokers === undefined
    ? await openEmbeddedBus({
        pool: new Pool({ connectionString: databaseUrl }),
        databaseUrl,
        log,
        metrics,
        topics: table,
      })
    : await openKafkaBus({ settings: kafkaSettings(brokers), log, metrics, topics: table });
await consume(
  bus,
  { name, table },
  async (deliveries) => {
    for (const { value } of deliveries) process.stdout.write(`${JSON.stringify(value)}\n`);
    await new Promise(() => undefined);
  },
  JSON.parse(options) as Partial<ConsumeOptions>,
);
