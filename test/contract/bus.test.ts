import { afterAll, beforeAll, describe } from "vitest";
import { openEmbeddedBus } from "../../shared/bus/embedded-bus.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { createTestDatabase } from "../helpers/database.ts";
import { busDeliverySuite } from "./bus-delivery-suite.ts";
import { busFailureSuite } from "./bus-failure-suite.ts";
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

describe.each([{ name: "the embedded bus", create: embeddedWorld }])("$name", ({ create }) => {
  let world: BusWorld;
  beforeAll(async () => {
    world = await create();
  });
  afterAll(async () => {
    await world?.close();
  });
  busDeliverySuite(() => world);
  busFailureSuite(() => world);
});
