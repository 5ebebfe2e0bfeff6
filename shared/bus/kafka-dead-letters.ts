import type { KafkaSettings } from "../config.ts";
import { deadLetterTopicOf } from "../contracts/topics.ts";
import { RetryableError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { settlesWithin } from "../waiting.ts";
import type { DeadLetter } from "./bus.ts";
import { withoutFailureHeaders } from "./dead-letter.ts";
import { consumerConfig, consumerTopicConfig, wireName } from "./kafka-config.ts";
import { explainKafkaError } from "./kafka-errors.ts";
import type { KafkaClient, KafkaRecord, RawConsumer } from "./kafka-loader.ts";
import type { KafkaProducer } from "./kafka-producer.ts";
import { headersOf, keyOf } from "./kafka-record.ts";
import { parseValue } from "./payload-codec.ts";
import { ReplayProgress } from "./replay-progress.ts";

/** Its committed offsets say which dead letters were replayed; nobody subscribes with it. */
const REPLAY_GROUP = "gogobe.dead-letters";
const PARTITION = 0;
const TIMEOUT_MS = 15_000;
const READ_AT_ONCE = 50;
const REPLAY_AT_ONCE = 20;
const LIST_LIMIT = 100;

/** Dead letters are read back from their topic. The id of one is `<topic>@<offset>`. */
export class KafkaDeadLetters {
  readonly #client: KafkaClient;
  readonly #settings: KafkaSettings;
  readonly #producer: KafkaProducer;
  readonly #log: Log;

  constructor(client: KafkaClient, settings: KafkaSettings, producer: KafkaProducer, log: Log) {
    this.#client = client;
    this.#settings = settings;
    this.#producer = producer;
    this.#log = log;
  }

  async list(topic: string, options: { limit?: number; ids?: readonly string[] } = {}): Promise<DeadLetter[]> {
    const wanted = options.ids === undefined ? undefined : new Set(options.ids);
    const limit = options.limit ?? wanted?.size ?? LIST_LIMIT;
    const letters: DeadLetter[] = [];
    if (limit === 0) return letters;
    await this.#reading(topic, async (reader) => {
      for await (const record of reader.pending()) {
        if (wanted !== undefined && !wanted.has(idOf(topic, record))) continue;
        letters.push(letterOf(topic, record));
        if (letters.length >= limit) return;
      }
    });
    return letters;
  }

  /** Those that are there when it starts. Progress is committed after each part: what a crash interrupts is repeated. */
  async replay(topic: string, ids?: string[]): Promise<number> {
    const wanted = ids === undefined ? undefined : new Set(ids);
    let replayed = 0;
    await this.#reading(topic, async (reader) => {
      let part: KafkaRecord[] = [];
      const flush = async () => {
        if (part.length === 0) return;
        await this.#producer.send(
          topic,
          part.map((record) => ({
            key: keyOf(record),
            value: record.value ?? Buffer.from("null"),
            headers: withoutFailureHeaders(headersOf(record)),
          })),
        );
        await reader.replayed(part.map((record) => record.offset));
        replayed += part.length;
        part = [];
      };
      for await (const record of reader.pending()) {
        if (wanted !== undefined && !wanted.has(idOf(topic, record))) continue;
        part.push(record);
        if (part.length >= REPLAY_AT_ONCE) await flush();
      }
      await flush();
    });
    return replayed;
  }

  async #reading(topic: string, work: (reader: Reader) => Promise<void>): Promise<void> {
    const dlq = wireName(this.#settings, deadLetterTopicOf(topic));
    const config = { ...consumerConfig(this.#settings, REPLAY_GROUP), "enable.partition.eof": false };
    const raw = new this.#client.RdKafka.KafkaConsumer(config, consumerTopicConfig());
    raw.on("event.error", (error) => this.#log.debug({ err: error }, "the Kafka client reports an error"));
    raw.setDefaultConsumeTimeout(50);
    raw.setDefaultIsTimeoutOnlyForFirstMessage(true);
    try {
      await call((done) => raw.connect({ timeout: TIMEOUT_MS }, done));
      await work(await Reader.open(raw, dlq));
    } catch (error) {
      throw explainKafkaError(error, `reading ${dlq}`);
    } finally {
      await settlesWithin(
        call((done) => raw.disconnect(done)),
        TIMEOUT_MS,
      );
    }
  }
}

/** One pass over a dead-letter topic, from the first letter that was not replayed to what was its end at the start. */
class Reader {
  readonly #raw: RawConsumer;
  readonly #topic: string;
  readonly #end: number;
  readonly #progress: ReplayProgress;

  private constructor(raw: RawConsumer, topic: string, end: number, progress: ReplayProgress) {
    this.#raw = raw;
    this.#topic = topic;
    this.#end = end;
    this.#progress = progress;
  }

  static async open(raw: RawConsumer, topic: string): Promise<Reader> {
    const marks = await call<{ lowOffset: number; highOffset: number }>((done) =>
      raw.queryWatermarkOffsets(topic, PARTITION, TIMEOUT_MS, done),
    );
    const [committed] = await call<{ offset?: number; metadata?: string | null }[]>((done) =>
      raw.committed([{ topic, partition: PARTITION }], TIMEOUT_MS, done),
    );
    const progress = ReplayProgress.read(committed?.offset, committed?.metadata, marks.lowOffset);
    return new Reader(raw, topic, marks.highOffset, progress);
  }

  async *pending(): AsyncGenerator<KafkaRecord> {
    let next = this.#progress.from;
    if (next >= this.#end) return;
    this.#raw.assign([{ topic: this.#topic, partition: PARTITION, offset: next } as never]);
    const giveUpAt = performance.now() + TIMEOUT_MS * 2;
    try {
      while (next < this.#end && performance.now() < giveUpAt) {
        const records = await call<KafkaRecord[]>((done) => this.#raw.consume(READ_AT_ONCE, done));
        for (const record of records) {
          next = record.offset + 1;
          if (record.offset < this.#end && !this.#progress.has(record.offset)) yield record;
        }
      }
      if (next < this.#end) throw new Error(`${this.#topic} could not be read to its end`);
    } finally {
      this.#raw.unassign();
    }
  }

  async replayed(offsets: number[]): Promise<void> {
    for (const offset of offsets) this.#progress.add(offset);
    const { from, metadata } = this.#progress;
    const partition = { topic: this.#topic, partition: PARTITION };
    await call<unknown>((done) => {
      this.#raw.commitCb([{ ...partition, offset: from, metadata }], (error) => done(error, undefined));
    });
    // The client does not tell of a broker that refuses: only reading back does.
    const [committed] = await call<{ offset?: number; metadata?: string | null }[]>((done) =>
      this.#raw.committed([partition], TIMEOUT_MS, done),
    );
    if (committed?.offset !== from || (committed.metadata ?? "") !== metadata) {
      throw new RetryableError(`dead letters of ${this.#topic} were published again, but that could not be noted`, {
        hint: "they are still listed: replaying them once more is harmless",
      });
    }
  }
}

function idOf(topic: string, { offset }: KafkaRecord): string {
  return `${topic}@${offset}`;
}

function letterOf(topic: string, record: KafkaRecord): DeadLetter {
  return {
    id: idOf(topic, record),
    topic,
    key: keyOf(record),
    headers: headersOf(record),
    value: readable(record.value),
  };
}

/** A dead letter may be there because it is not JSON: then its text is shown. */
function readable(value: Buffer | null): unknown {
  if (value === null) return null;
  try {
    return parseValue(value);
  } catch {
    return value.toString("utf8");
  }
}

async function call<T = unknown>(
  start: (done: (error: Error | null | undefined, result: T) => void) => void,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}
