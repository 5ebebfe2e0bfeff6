import type { KafkaSettings } from "../config.ts";
import { settlesWithin } from "../waiting.ts";
import { consumerConfig, consumerTopicConfig } from "./kafka-config.ts";
import type { KafkaClient, KafkaError, RawConsumer } from "./kafka-loader.ts";

const DISCONNECT_MS = 5_000;

/**
 * Reads what groups have committed, without joining them. The client's own way for administrators ends the process with a segmentation
 * fault when a coordinator moves, as it does at every restart of a broker: confluent-kafka-javascript issue 374, seen with 1.10.1.
 */
export class KafkaCommits {
  readonly #client: KafkaClient;
  readonly #settings: KafkaSettings;
  /** By group; it stays connected, since whoever asks once asks again and again. */
  readonly #readers = new Map<string, Promise<RawConsumer>>();

  constructor(client: KafkaClient, settings: KafkaSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  /**
   * The committed offset of each partition; -1 where there is none.
   * @param group without the prefix
   * @param topic as it is named on the brokers
   */
  async read(
    group: string,
    topic: string,
    partitions: readonly number[],
    timeoutMs: number,
  ): Promise<{ partition: number; offset: number }[]> {
    const reader = await this.#reader(group, timeoutMs);
    const wanted = partitions.map((partition) => ({ topic, partition }));
    const found = await call<{ partition: number; offset?: number }[]>((done) =>
      reader.committed(wanted, timeoutMs, done as Parameters<RawConsumer["committed"]>[2]),
    );
    return found.map(({ partition, offset }) => ({ partition, offset: offset ?? -1 }));
  }

  async close(): Promise<void> {
    const readers = await Promise.allSettled(this.#readers.values());
    this.#readers.clear();
    const open = readers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const closing = open.map((reader) => call((done) => reader.disconnect(done)));
    await settlesWithin(Promise.all(closing), DISCONNECT_MS);
  }

  /** One that failed to connect is finished: the next question makes a new one. */
  async #reader(group: string, timeoutMs: number): Promise<RawConsumer> {
    const known = this.#readers.get(group) ?? this.#open(group, timeoutMs);
    this.#readers.set(group, known);
    try {
      return await known;
    } catch (error) {
      if (this.#readers.get(group) === known) this.#readers.delete(group);
      throw error;
    }
  }

  async #open(group: string, timeoutMs: number): Promise<RawConsumer> {
    const reader = new this.#client.RdKafka.KafkaConsumer(consumerConfig(this.#settings, group), consumerTopicConfig());
    reader.on("event.error", () => undefined);
    try {
      await call((done) => reader.connect({ timeout: timeoutMs }, done));
      return reader;
    } catch (error) {
      reader.disconnect(() => undefined);
      throw error;
    }
  }
}

function call<T>(start: (done: (error: KafkaError | null | undefined, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}
