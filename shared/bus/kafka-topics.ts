import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaSettings } from "../config.ts";
import type { Log } from "../observability/log.ts";
import { settlesWithin } from "../waiting.ts";
import type { PartitionLag } from "./bus.ts";
import { KafkaCommits } from "./kafka-commits.ts";
import { promisifiedConfig, topicConfigs, wireName } from "./kafka-config.ts";
import { explainKafkaError, kafkaCode } from "./kafka-errors.ts";
import type { KafkaClient, RawAdmin } from "./kafka-loader.ts";
import { partitionLags } from "./lag.ts";
import type { TopicTable } from "./topic-table.ts";

const TIMEOUT_MS = 15_000;
const PROBE_MS = 5_000;
const ALREADY_EXISTS = 36;
const VISIBLE_MS = 30_000;

/** Administration of the cluster: topics, lag, and whether it answers. */
export class KafkaTopics {
  readonly #admin: RawAdmin;
  readonly #commits: KafkaCommits;
  readonly #settings: KafkaSettings;
  readonly #topics: TopicTable;

  constructor(client: KafkaClient, settings: KafkaSettings, topics: TopicTable, log: Log) {
    this.#admin = new client.KafkaJS.Kafka(promisifiedConfig(settings, log)).admin();
    this.#commits = new KafkaCommits(client, settings);
    this.#settings = settings;
    this.#topics = topics;
  }

  /** Connecting says nothing about the brokers, so they are asked for something. */
  async connect(): Promise<void> {
    await this.#admin.connect();
    await this.ping(TIMEOUT_MS);
  }

  async ping(timeout = PROBE_MS): Promise<void> {
    await this.#explained(this.#admin.listTopics({ timeout }), `a question to ${this.#settings.brokers.join(",")}`);
  }

  /** Creates what is missing and waits until every topic can be seen. */
  async ensure(): Promise<void> {
    const wanted = topicConfigs(this.#topics, this.#settings);
    const missing = async () => {
      const present = new Set(await this.#explained(this.#admin.listTopics({ timeout: TIMEOUT_MS }), "the topic list"));
      return wanted.filter(({ topic }) => !present.has(topic));
    };
    for (const topic of await missing()) {
      try {
        await this.#admin.createTopics({ topics: [topic], timeout: TIMEOUT_MS });
      } catch (error) {
        if (!isThere(error)) throw explainKafkaError(error, `creating ${topic.topic}`);
      }
    }
    const giveUpAt = performance.now() + VISIBLE_MS;
    while ((await missing()).length > 0 && performance.now() < giveUpAt) await sleep(50);
  }

  async lag(group?: string): Promise<PartitionLag[]> {
    const pairs = [...this.#topics].flatMap(([topic, groups]) => groups.map((each) => ({ topic, group: each })));
    const wanted = pairs.filter((pair) => group === undefined || pair.group === group);
    const lags = await Promise.all(wanted.map((pair) => this.#lagOf(pair.topic, pair.group)));
    return lags.flat();
  }

  async #lagOf(topic: string, group: string): Promise<PartitionLag[]> {
    const wireTopic = wireName(this.#settings, topic);
    // The client subtracts the time passed from the options it is given: they must be new each time.
    const ends = await this.#explained(
      this.#admin.fetchTopicOffsets(wireTopic, { timeout: TIMEOUT_MS }),
      `the offsets of ${topic}`,
    );
    const partitions = ends.map(({ partition }) => partition);
    const committed = await this.#explained(
      this.#commits.read(group, wireTopic, partitions, TIMEOUT_MS),
      `the commits of ${group}`,
    );
    return partitionLags(topic, group, ends, committed);
  }

  async #explained<T>(work: Promise<T>, doing: string): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw explainKafkaError(error, doing);
    }
  }

  async close(): Promise<void> {
    await this.#commits.close();
    await settlesWithin(this.#admin.disconnect(), TIMEOUT_MS);
  }
}

/** Another process was quicker. */
function isThere(error: unknown): boolean {
  if (kafkaCode(error) === ALREADY_EXISTS) return true;
  const inner = typeof error === "object" && error !== null && "errors" in error ? error.errors : undefined;
  return Array.isArray(inner) && inner.length > 0 && inner.every(isThere);
}
