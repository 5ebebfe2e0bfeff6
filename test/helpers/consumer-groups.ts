import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** One line of Kafka's own ConsumerGroupCommand; null where it prints a dash. */
export interface GroupPartition {
  group: string;
  topic: string;
  partition: number;
  committed: number | null;
  end: number | null;
  lag: number | null;
}

/** What Kafka's own tool says of consumer groups, names as on the broker, in the order of group, topic and partition. */
export async function describeGroups(brokers: string, groups: readonly string[]): Promise<GroupPartition[]> {
  const script = join(import.meta.dirname, "../../infra/native/kafka.sh");
  const command = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
  const named = groups.flatMap((group) => ["--group", group]);
  const args = ["tool", command, "--bootstrap-server", brokers, "--describe", ...named];
  const { stdout } = await promisify(execFile)(script, args, { maxBuffer: 1 << 24 });
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([group = "", , partition = ""]) => groups.includes(group) && /^\d+$/.test(partition))
    .map(([group = "", topic = "", partition, committed, end, lag]) => ({
      group,
      topic,
      partition: Number(partition),
      committed: numberOrNull(committed),
      end: numberOrNull(end),
      lag: numberOrNull(lag),
    }))
    .sort(
      (left, right) =>
        compare(left.group, right.group) || compare(left.topic, right.topic) || left.partition - right.partition,
    );
}

function numberOrNull(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
