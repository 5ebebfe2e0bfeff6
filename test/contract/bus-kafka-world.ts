import type { KafkaSettings } from "../../shared/config.ts";
import { openKafkaBus } from "../../shared/bus/kafka-bus.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import type { BusWorld } from "./bus-world.ts";

const PARTITIONS = 4;
/** The suites run with a prefix, so that a name that forgets it is found. */
export const KAFKA_TEST_PREFIX = "contract.";

/** A broker that a test may use as it likes, without login. */
export function kafkaSettings(brokers: string): KafkaSettings {
  return {
    brokers: brokers.split(","),
    sasl: null,
    tls: false,
    caFile: null,
    prefix: KAFKA_TEST_PREFIX,
    partitions: PARTITIONS,
    replication: 1,
    minInsyncReplicas: 1,
  };
}

export async function kafkaWorld(brokers: string): Promise<BusWorld> {
  const log = createLog({ level: "silent" });
  return {
    open: async (topics) => {
      const bus = await openKafkaBus({ settings: kafkaSettings(brokers), log, metrics: createMetrics(), topics });
      await bus.ensureTopics();
      return bus;
    },
    childEnvironment: { TEST_BROKERS: brokers },
    close: async () => undefined,
  };
}
