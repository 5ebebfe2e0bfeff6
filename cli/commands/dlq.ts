import { type Command, Option } from "commander";
import type { Bus, DeadLetter } from "../../shared/bus/bus.ts";
import { TOPICS } from "../../shared/contracts/topics.ts";
import { UsageError } from "../../shared/errors.ts";
import { contextOf } from "../context.ts";
import { counted, formatOf, printJson, printLine, printRows, type Row } from "../output.ts";
import { parseCount } from "../options.ts";
import { withRuntime } from "../runtime.ts";

interface Options {
  topic?: string;
  limit?: number;
  all?: boolean;
  json?: boolean;
}

const COLUMNS = ["id", "topic", "key", "file", "error", "attempts", "last_failed_at"];

export function configure(command: Command): void {
  const withBus = (use: (bus: Bus) => Promise<void>) =>
    withRuntime(contextOf(command, { quiet: true }), async (runtime) => use(await runtime.bus()));
  const topic = () => new Option("--topic <topic>", "one topic only").choices(Object.values(TOPICS));

  command
    .command("list", { isDefault: true })
    .description("messages that could not be handled, oldest first")
    .addOption(topic())
    .option("--limit <count>", "how many per topic at the most", parseCount, 100)
    .option("--json", "print a JSON array")
    .action((options: Options) =>
      withBus(async (bus) => printRows((await collect(bus, options)).map(summaryOf), formatOf(options), COLUMNS)),
    );

  command
    .command("show")
    .description("one dead letter: the message and why it failed")
    .argument("<id>", "as `gogobe dlq list` shows it")
    .action((id: string) => withBus(async (bus) => printJson((await find(bus, [id]))[0] ?? null)));

  command
    .command("replay")
    .description("publish dead letters again, once their cause is gone")
    .argument("[id...]", "as `gogobe dlq list` shows them")
    .addOption(topic())
    .option("--all", "every dead letter (of the topic)")
    .action((ids: string[], options: Options) => withBus(async (bus) => replay(bus, ids, options)));
}

async function replay(bus: Bus, ids: string[], options: Options): Promise<void> {
  if (ids.length === 0 && !options.all) throw new UsageError("name dead letters by id, or give --all");
  if (ids.length > 0 && options.all) throw new UsageError("give ids or --all, not both");
  let replayed = 0;
  if (options.all) {
    for (const topic of topicsOf(options)) replayed += await bus.replayDeadLetters(topic);
  } else {
    const letters = await find(bus, ids, options);
    for (const [topic, group] of Map.groupBy(letters, (letter) => letter.topic)) {
      replayed += await bus.replayDeadLetters(
        topic,
        group.map((letter) => letter.id),
      );
    }
  }
  printLine(`${counted(replayed, "message")} published again`);
}

function topicsOf(options: Options): string[] {
  return options.topic === undefined ? Object.values(TOPICS) : [options.topic];
}

async function collect(bus: Bus, options: Options): Promise<DeadLetter[]> {
  const limit = options.limit === undefined ? {} : { limit: options.limit };
  const lists = await Promise.all(topicsOf(options).map((topic) => bus.deadLetters(topic, limit)));
  return lists.flat();
}

/** @throws {UsageError} naming those that are not there */
async function find(bus: Bus, ids: readonly string[], options: Options = {}): Promise<DeadLetter[]> {
  const lists = await Promise.all(topicsOf(options).map((topic) => bus.deadLetters(topic, { ids })));
  const letters = lists.flat();
  const missing = ids.filter((id) => !letters.some((letter) => letter.id === id));
  if (missing.length > 0) {
    throw new UsageError(`there is no dead letter ${missing.join(", ")}`, { hint: "gogobe dlq list shows them" });
  }
  return letters;
}

function summaryOf(letter: DeadLetter): Row {
  const { headers, value } = letter;
  const fileName = typeof value === "object" && value !== null && "fileName" in value ? String(value.fileName) : null;
  return {
    id: letter.id,
    topic: letter.topic,
    key: letter.key,
    file: fileName,
    error: headers["error-message"] ?? null,
    attempts: headers["attempts"] ?? null,
    last_failed_at: headers["last-failure"] ?? null,
  };
}
