import { GROUP_OF_TOPIC, TOPICS } from "../contracts/topics.ts";
import { UsageError } from "../errors.ts";

/** Which consumer groups read a topic. */
export type TopicTable = ReadonlyMap<string, readonly string[]>;

/** The table of the real pipeline. */
export function pipelineTopics(): TopicTable {
  return new Map(Object.values(TOPICS).map((topic) => [topic, [GROUP_OF_TOPIC[topic]]]));
}

/**
 * @throws {UsageError} for a topic that the bus does not know
 */
export function groupsOf(table: TopicTable, topic: string): readonly string[] {
  const groups = table.get(topic);
  if (groups === undefined) {
    throw new UsageError(`unknown topic "${topic}"`, { hint: `known are ${[...table.keys()].join(", ")}` });
  }
  return groups;
}
