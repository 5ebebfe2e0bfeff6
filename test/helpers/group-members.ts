import { setTimeout as sleep } from "node:timers/promises";
import { loadKafkaClient, type RawAdmin } from "../../shared/bus/kafka-loader.ts";

/** Describing groups is nothing that gogobe does, so its own types do not have it. */
interface DescribingAdmin extends RawAdmin {
  describeGroups(
    groups: string[],
    options: { timeout: number },
  ): Promise<{ groups: { members: { assignment: { topicPartitions: unknown[] } }[] }[] }>;
}

const PATIENCE_MS = 60_000;

/**
 * Waits until so many members of a group have partitions of their own.
 * @param env settings of the fleet: brokers and prefix
 */
export async function waitForMembers(env: Record<string, string>, group: string, count: number): Promise<void> {
  const { KafkaJS } = await loadKafkaClient();
  const kafka = new KafkaJS.Kafka({ "bootstrap.servers": env["KAFKA_BROKERS"] ?? "", log_level: 0 });
  const admin = kafka.admin() as DescribingAdmin;
  await admin.connect();
  try {
    const giveUpAt = Date.now() + PATIENCE_MS;
    let seen: number[] = [];
    while (Date.now() < giveUpAt) {
      const { groups } = await admin.describeGroups([`${env["KAFKA_PREFIX"]}${group}`], { timeout: 10_000 });
      seen = (groups[0]?.members ?? []).map(({ assignment }) => assignment.topicPartitions.length);
      if (seen.length === count && seen.every((partitions) => partitions > 0)) return;
      await sleep(200);
    }
    throw new Error(`group ${group} has ${seen.length} members with ${seen.join(", ")} partitions, not ${count}`);
  } finally {
    await admin.disconnect();
  }
}
