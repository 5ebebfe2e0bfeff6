import type pg from "pg";
import type { PgBoss } from "pg-boss";
import { PermanentError, UsageError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Bus, ConsumeOptions, Consumer, DeadLetter, OutgoingMessage, PartitionLag } from "./bus.ts";
import { EmbeddedConsumer } from "./embedded-consumer.ts";
import { EmbeddedDatabase } from "./embedded-database.ts";
import { EmbeddedDeadLetters } from "./embedded-dead-letters.ts";
import { embeddedLag } from "./embedded-lag.ts";
import { EmbeddedQueue, type PackedMessage } from "./embedded-queue.ts";
import { BUS_SCHEMA, ensureSchema, queueOf, startBoss } from "./embedded-schema.ts";
import { EmbeddedSession } from "./embedded-session.ts";
import { encodeValue, packValue } from "./payload-codec.ts";
import { groupsOf, pipelineTopics, type TopicTable } from "./topic-table.ts";

export interface EmbeddedBusOptions {
  /** For set-up and look-ups; the data path has connections of its own. */
  pool: pg.Pool;
  databaseUrl: string;
  log: Log;
  metrics: Metrics;
  /** Default: the topics of the pipeline. */
  topics?: TopicTable;
}

/** Messages of one INSERT: at the most this many, and about this many stored bytes. */
const INSERT_MESSAGES = 1_000;
const INSERT_BYTES = 16 * 1024 * 1024;

/**
 * Opens the bus on PostgreSQL and creates its schemas where they are missing. What processes held that have died since waits again
 * when this resolves.
 */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<Bus> {
  const log = options.log.child({ part: "bus" });
  const topics = options.topics ?? pipelineTopics();
  const database = new EmbeddedDatabase(options.databaseUrl, log);
  try {
    const boss = await startBoss(database, log);
    await ensureSchema(options.pool, boss, topics);
    const bus = new EmbeddedBus({ ...options, log, topics, database, boss });
    await bus.start();
    return bus;
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Parts extends Required<EmbeddedBusOptions> {
  database: EmbeddedDatabase;
  boss: PgBoss;
}

class EmbeddedBus implements Bus {
  readonly #parts: Parts;
  readonly #queue: EmbeddedQueue;
  readonly #deadLetters: EmbeddedDeadLetters;
  readonly #consumers = new Set<EmbeddedConsumer>();
  #session: EmbeddedSession | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#queue = new EmbeddedQueue(parts.database, parts.boss);
    this.#deadLetters = new EmbeddedDeadLetters(parts.database, this.#queue);
  }

  async start(): Promise<void> {
    const { database, databaseUrl, log } = this.#parts;
    const { rows } = await database.pool.query<{ instance: string }>(
      `SELECT nextval('${BUS_SCHEMA}.instances') AS instance`,
    );
    const instance = Number(rows[0]?.instance);
    const arrived = (queue: string | undefined) => {
      for (const consumer of this.#consumers) if (queue === undefined || consumer.queue === queue) consumer.wake();
    };
    this.#session = await EmbeddedSession.open(
      instance,
      databaseUrl,
      { arrived, holders: (h) => this.#revive(h) },
      log,
    );
  }

  async #revive(instances: number[]): Promise<void> {
    for (const instance of instances) {
      const messages = await this.#queue.giveBackOf(instance);
      if (messages > 0) this.#parts.log.info({ instance, messages }, "took up messages that a dead process held");
    }
  }

  async publish(topic: string, messages: OutgoingMessage[]): Promise<void> {
    const groups = groupsOf(this.#parts.topics, topic);
    this.#assertOpen();
    let chunk: PackedMessage[] = [];
    let bytes = 0;
    for (const message of messages) {
      const payload = packValue(encodeValue(topic, message));
      if (chunk.length >= INSERT_MESSAGES || (chunk.length > 0 && bytes + payload.body.length > INSERT_BYTES)) {
        await this.#queue.add(topic, groups, chunk);
        chunk = [];
        bytes = 0;
      }
      chunk.push({ key: message.key, headers: message.headers ?? {}, ...payload });
      bytes += payload.body.length;
    }
    if (chunk.length > 0) await this.#queue.add(topic, groups, chunk);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const { topics, log, metrics } = this.#parts;
    const groups = groupsOf(topics, options.topic);
    if (!groups.includes(options.group)) {
      throw new UsageError(`group "${options.group}" does not read ${options.topic}`, {
        hint: `its groups are ${groups.join(", ")}`,
      });
    }
    this.#assertOpen();
    if (this.#session === undefined) throw new PermanentError("the bus is not started");
    for (const other of this.#consumers) {
      if (other.queue !== queueOf(options.topic, options.group)) continue;
      throw new UsageError(`this process reads ${options.topic} as ${options.group} already`, {
        hint: "raise the concurrency of that consumer instead",
      });
    }
    const consumer = new EmbeddedConsumer(options, this.#queue, this.#session, log, metrics);
    this.#consumers.add(consumer);
    return {
      stop: async (deadlineMs) => {
        await consumer.stop(deadlineMs);
        this.#consumers.delete(consumer);
      },
    };
  }

  async lag(group?: string): Promise<PartitionLag[]> {
    return await embeddedLag(this.#parts.pool, this.#parts.topics, this.#parts.metrics, group);
  }

  async deadLetters(topic: string, options: { limit?: number; ids?: readonly string[] } = {}): Promise<DeadLetter[]> {
    groupsOf(this.#parts.topics, topic);
    return await this.#deadLetters.list(topic, options);
  }

  async replayDeadLetters(topic: string, ids?: string[]): Promise<number> {
    return await this.#deadLetters.replay(topic, groupsOf(this.#parts.topics, topic), ids);
  }

  async ensureTopics(): Promise<void> {
    await ensureSchema(this.#parts.pool, this.#parts.boss, this.#parts.topics);
  }

  async ping(): Promise<void> {
    await this.#parts.pool.query("SELECT 1");
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await this.#session?.close();
    await this.#parts.boss.stop({ graceful: false });
    await this.#parts.database.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new PermanentError("the bus is closed");
  }
}
