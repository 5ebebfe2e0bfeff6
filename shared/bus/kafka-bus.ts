import type { KafkaSettings } from "../config.ts";
import { deadLetterTopicOf } from "../contracts/topics.ts";
import { PermanentError, UsageError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Bus, ConsumeOptions, Consumer, DeadLetter, OutgoingMessage, PartitionLag } from "./bus.ts";
import { KafkaConsumer } from "./kafka-consumer.ts";
import { KafkaDeadLetters } from "./kafka-dead-letters.ts";
import { type KafkaClient, loadKafkaClient } from "./kafka-loader.ts";
import { KafkaProducer } from "./kafka-producer.ts";
import { KafkaTopics } from "./kafka-topics.ts";
import { encodeValue } from "./payload-codec.ts";
import { groupsOf, pipelineTopics, type TopicTable } from "./topic-table.ts";

export interface KafkaBusOptions {
  settings: KafkaSettings;
  log: Log;
  metrics: Metrics;
  /** Default: the topics of the pipeline. */
  topics?: TopicTable;
}

/**
 * Opens the bus on Kafka. Topics are not created here: `ensureTopics` does.
 * @throws {UsageError} when the optional client is not installed
 * @throws {RetryableError} when no broker answers
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const log = options.log.child({ part: "bus" });
  const topics = options.topics ?? pipelineTopics();
  const client = await loadKafkaClient();
  const admin = new KafkaTopics(client, options.settings, topics, log);
  try {
    await admin.connect();
  } catch (error) {
    await admin.close();
    throw error;
  }
  return new KafkaBus({ ...options, log, topics, client, admin });
}

interface Parts extends Required<KafkaBusOptions> {
  client: KafkaClient;
  admin: KafkaTopics;
}

class KafkaBus implements Bus {
  readonly #parts: Parts;
  readonly #producer: KafkaProducer;
  readonly #deadLetters: KafkaDeadLetters;
  readonly #consumers = new Set<KafkaConsumer>();
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { client, settings, log } = parts;
    this.#parts = parts;
    this.#producer = new KafkaProducer(client, settings, log);
    this.#deadLetters = new KafkaDeadLetters(client, settings, this.#producer, log);
  }

  async publish(topic: string, messages: OutgoingMessage[]): Promise<void> {
    groupsOf(this.#parts.topics, topic);
    this.#assertOpen();
    const encoded = messages.map((message) => ({
      key: message.key,
      value: encodeValue(topic, message),
      headers: message.headers ?? {},
    }));
    await this.#producer.send(topic, encoded);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const { topics, client, settings, log, metrics } = this.#parts;
    const groups = groupsOf(topics, options.topic);
    if (!groups.includes(options.group)) {
      throw new UsageError(`group "${options.group}" does not read ${options.topic}`, {
        hint: `its groups are ${groups.join(", ")}`,
      });
    }
    this.#assertOpen();
    const consumer = await KafkaConsumer.start({
      consume: options,
      client,
      settings,
      log,
      metrics,
      bury: async ({ key, value }, headers) =>
        await this.#producer.send(deadLetterTopicOf(options.topic), [
          { key, value: value ?? Buffer.from("null"), headers },
        ]),
    });
    this.#consumers.add(consumer);
    return {
      stop: async (deadlineMs) => {
        await consumer.stop(deadlineMs);
        this.#consumers.delete(consumer);
      },
    };
  }

  async lag(group?: string): Promise<PartitionLag[]> {
    const lags = await this.#parts.admin.lag(group);
    for (const [topic, ofTopic] of Map.groupBy(lags, (lag) => lag.topic)) {
      for (const [name, ofGroup] of Map.groupBy(ofTopic, (lag) => lag.group)) {
        const total = ofGroup.reduce((sum, lag) => sum + lag.lag, 0);
        this.#parts.metrics.consumerLag.set({ topic, group: name }, total);
      }
    }
    return lags;
  }

  async deadLetters(topic: string, options: { limit?: number; ids?: readonly string[] } = {}): Promise<DeadLetter[]> {
    groupsOf(this.#parts.topics, topic);
    return await this.#deadLetters.list(topic, options);
  }

  async replayDeadLetters(topic: string, ids?: string[]): Promise<number> {
    groupsOf(this.#parts.topics, topic);
    return await this.#deadLetters.replay(topic, ids);
  }

  async ensureTopics(): Promise<void> {
    await this.#parts.admin.ensure();
  }

  async ping(): Promise<void> {
    await this.#parts.admin.ping();
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await this.#producer.close();
    await this.#parts.admin.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new PermanentError("the bus is closed");
  }
}
