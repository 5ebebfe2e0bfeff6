import pLimit from "p-limit";
import type { KafkaSettings } from "../config.ts";
import type { Log } from "../observability/log.ts";
import { settlesWithin } from "../waiting.ts";
import { producerConfig, promisifiedConfig, wireName } from "./kafka-config.ts";
import { explainKafkaError, isFatal } from "./kafka-errors.ts";
import type { KafkaClient, RawProducer } from "./kafka-loader.ts";

export interface KafkaMessage {
  key: string;
  value: Buffer;
  headers: Record<string, string>;
}

/** Sends under way at once; each is at the most SEND_BYTES, so the client's own queue never overflows. */
const SENDS = 4;
const SEND_BYTES = 16 * 1024 * 1024;
const SEND_MESSAGES = 1_000;
const CONNECT_MS = 15_000;
const FLUSH_MS = 20_000;

/** The idempotent producer of one process: resolves when all replicas in sync have the messages. */
export class KafkaProducer {
  readonly #client: KafkaClient;
  readonly #settings: KafkaSettings;
  readonly #log: Log;
  readonly #limit = pLimit(SENDS);
  #producer: Promise<RawProducer> | undefined;

  constructor(client: KafkaClient, settings: KafkaSettings, log: Log) {
    this.#client = client;
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * @throws {RetryableError} brokers out of reach or refusing
   * @throws {PermanentError} a message that the topic does not take
   */
  async send(topic: string, messages: KafkaMessage[]): Promise<void> {
    await Promise.all(chunksOf(messages).map((chunk) => this.#limit(() => this.#sendChunk(topic, chunk))));
  }

  async #sendChunk(topic: string, messages: KafkaMessage[]): Promise<void> {
    const producer = await this.connect();
    try {
      // The client changes what it is given: every send gets objects of its own.
      await producer.send({
        topic: wireName(this.#settings, topic),
        messages: messages.map((each) => ({ ...each, headers: { ...each.headers } })),
      });
    } catch (error) {
      if (isFatal(error)) {
        this.#producer = undefined;
        producer.disconnect().catch(() => undefined);
      }
      throw explainKafkaError(error, `publishing to ${topic}`);
    }
  }

  /** A producer that failed to connect is finished: the next call makes a new one. */
  async connect(): Promise<RawProducer> {
    this.#producer ??= this.#open();
    try {
      return await this.#producer;
    } catch (error) {
      this.#producer = undefined;
      throw explainKafkaError(error, `connecting to ${this.#settings.brokers.join(",")}`);
    }
  }

  async #open(): Promise<RawProducer> {
    const kafka = new this.#client.KafkaJS.Kafka(promisifiedConfig(this.#settings, this.#log));
    const producer = kafka.producer(producerConfig());
    const connected = producer.connect();
    if (!(await settlesWithin(connected, CONNECT_MS))) throw new Error(`no answer within ${CONNECT_MS} ms`);
    await connected;
    return producer;
  }

  /** Flushes, for a bounded time: a send that has not resolved by then was never reported as published. */
  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    if (producer === undefined) return;
    await producer
      .flush({ timeout: FLUSH_MS })
      .catch((error: unknown) => this.#log.warn({ err: error }, "not everything was sent to Kafka before the end"));
    await settlesWithin(producer.disconnect(), FLUSH_MS);
  }
}

function chunksOf(messages: KafkaMessage[]): KafkaMessage[][] {
  const chunks: KafkaMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const last = chunks.at(-1);
    if (last === undefined || last.length >= SEND_MESSAGES || bytes + message.value.length > SEND_BYTES) {
      chunks.push([message]);
      bytes = message.value.length;
    } else {
      last.push(message);
      bytes += message.value.length;
    }
  }
  return chunks;
}
