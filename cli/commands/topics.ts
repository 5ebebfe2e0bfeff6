import type { Command } from "commander";
import { deadLetterTopicOf, GROUP_OF_TOPIC, TOPICS } from "../../shared/contracts/topics.ts";
import { contextOf } from "../context.ts";
import { formatOf, printLine, printRows } from "../output.ts";
import { withRuntime } from "../runtime.ts";

export function configure(command: Command): void {
  command
    .command("list", { isDefault: true })
    .description("every topic with its consumer group, how many messages it was given and how many wait")
    .option("--json", "print a JSON array")
    .action((options: { json?: boolean }) =>
      withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const lags = await (await runtime.bus()).lag();
        const rows = Object.values(TOPICS).map((topic) => {
          const partitions = lags.filter((lag) => lag.topic === topic);
          return {
            topic,
            group: GROUP_OF_TOPIC[topic],
            partitions: partitions.length,
            messages: partitions.reduce((sum, partition) => sum + partition.endOffset, 0),
            lag: partitions.reduce((sum, partition) => sum + partition.lag, 0),
            dead_letter_topic: deadLetterTopicOf(topic),
          };
        });
        printRows(rows, formatOf(options));
      }),
    );

  command
    .command("create")
    .description("create the topics that are missing, dead-letter topics included; safe to repeat")
    .action(() =>
      withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        await (await runtime.bus()).ensureTopics();
        for (const topic of Object.values(TOPICS)) printLine(`${topic} and ${deadLetterTopicOf(topic)} are there`);
      }),
    );
}
