import { afterAll, beforeAll, describe } from "vitest";
import { openEmbeddedBus } from "../../shared/bus/embedded-bus.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { createTestDatabase } from "../helpers/database.ts";
import { busDeliverySuite } from "./bus-delivery-suite.ts";
import { busFailureSuite } from "./bus-failure-suite.ts";
import { kafkaWorld } from "./bus-kafka-world.ts";
import type { BusWorld } from "./bus-world.ts";

const log = createLog({ level: "silent" });

async function embeddedWorld(): Promise<BusWorld> {
  const database = await createTestDatabase();
  return {
    open: async (topics) =>
      await openEmbeddedBus({ pool: database.pool, databaseUrl: database.url, log, metrics: createMetrics(), topics }),
    childEnvironment: { TEST_DATABASE_URL: database.url },
    close: async () => await database.drop(),
  };
}

const brokers = process.env["GOGOBE_TEST_KAFKA_BROKERS"];

describe("the embedded bus", () => {
  busSuite(embeddedWorld);
});

const reason = brokers === undefined ? " (skipped: GOGOBE_TEST_KAFKA_BROKERS names no broker)" : "";
describe.skipIf(brokers === undefined)(`the Kafka bus${reason}`, () => {
  busSuite(async () => await kafkaWorld(brokers ?? ""));
});

function busSuite(create: () => Promise<BusWorld>): void {
  let world: BusWorld;
  beforeAll(async () => {
    world = await create();
  });
  afterAll(async () => {
    await world?.close();
  });
  busDeliverySuite(() => world);
  busFailureSuite(() => world);
}
