import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaSettings } from "../config.ts";
import type { Log } from "../observability/log.ts";
import { isRetryable } from "../errors.ts";
import type { Metrics } from "../observability/metrics.ts";
import { backoffDelayMs, withRetry } from "../retry.ts";
import { settlesWithin, WakeSignal } from "../waiting.ts";
import type { ConsumeOptions, Consumer } from "./bus.ts";
import { Dispatcher } from "./dispatcher.ts";
import { consumerConfig, consumerTopicConfig, wireName } from "./kafka-config.ts";
import { explainKafkaError, isFatal } from "./kafka-errors.ts";
import type {
  KafkaClient,
  KafkaError,
  KafkaRecord,
  RawConsumer,
  TopicPartition,
  TopicPartitionOffset,
} from "./kafka-loader.ts";
import { loadedValue, type ReadMessage, readMessage } from "./kafka-record.ts";
import { OffsetTracker } from "./offset-tracker.ts";

const ASSIGN = -175;
const REVOKE = -174;
/** Occupies a thread of libuv's pool for that long at the most, so it is short. */
const CONSUME_MS = 5;
const IDLE_MS = [1, 5, 10, 20, 40];
/** Reading goes on without messages while there is no room: librdkafka tells of rebalances only while it is asked. */
const FULL_POLL_MS = 250;
/** Pausing throws away what was fetched ahead, so a handler that takes a few seconds is no reason. */
const PAUSE_AFTER_MS = 5_000;
const COMMIT_EVERY_MS = 100;
const COMMIT_MS = 5_000;
const CONNECT_MS = 15_000;
const DISCONNECT_MS = 10_000;
/** How long a rebalance waits for handlers of partitions that go to another process. */
const REVOKE_DRAIN_MS = 3_000;
const DRAIN_MS = 30_000;
const RECONNECT_POLICY = { attempts: Number.POSITIVE_INFINITY, initialDelayMs: 200, maxDelayMs: 5_000 };

type CommittedOffset = TopicPartitionOffset & { error?: KafkaError };

export interface KafkaConsumerOptions {
  consume: ConsumeOptions;
  client: KafkaClient;
  settings: KafkaSettings;
  log: Log;
  metrics: Metrics;
  /** Durable when it resolves. */
  bury(message: ReadMessage, headers: Record<string, string>): Promise<void>;
}

/** Reads one topic for one group: handlers run beside the reading, offsets are committed as far as everything below is finished. */
export class KafkaConsumer implements Consumer {
  readonly #options: KafkaConsumerOptions;
  readonly #log: Log;
  readonly #dispatcher: Dispatcher<ReadMessage>;
  readonly #wake = new WakeSignal();
  readonly #trackers = new Map<number, OffsetTracker>();
  #raw: RawConsumer | undefined;
  #loop: Promise<void> = Promise.resolve();
  #fullSince: number | undefined;
  #paused = false;
  /** Partitions that came since are not paused yet. */
  #assignedWhilePaused = false;
  #committing: Promise<void> = Promise.resolve();
  /** While brokers are away an answer takes seconds: no queue of commits builds up meanwhile. */
  #commitUnderWay = false;
  #awaitedCommits: { trackers: OffsetTracker[]; answered: PromiseWithResolvers<void> }[] = [];
  #lastCommit = 0;
  #leaving = false;
  #stopping: Promise<void> | undefined;

  private constructor(options: KafkaConsumerOptions) {
    this.#options = options;
    this.#log = options.log.child({ topic: options.consume.topic, group: options.consume.group });
    this.#dispatcher = new Dispatcher<ReadMessage>(
      options.consume,
      {
        load: async (messages) => messages.map(loadedValue),
        acknowledge: async (messages) => this.#finished(messages),
        bury: async (message, _value, headers) => await this.#bury(message, headers),
        roomChanged: () => this.#wake.wake(),
      },
      options.log,
      options.metrics,
    );
  }

  static async start(options: KafkaConsumerOptions): Promise<KafkaConsumer> {
    const consumer = new KafkaConsumer(options);
    await consumer.#connect();
    consumer.#loop = consumer.#readWhileRunning();
    return consumer;
  }

  async stop(deadlineMs = DRAIN_MS): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    await this.#stopping;
  }

  /** Reading goes on, without messages, while handlers end: a long drain must not hold up the group. */
  async #stop(deadlineMs: number): Promise<void> {
    await this.#dispatcher.drain(deadlineMs);
    await this.#commitAll();
    this.#leaving = true;
    this.#wake.wake();
    await settlesWithin(this.#loop, DISCONNECT_MS);
    for (const tracker of this.#trackers.values()) tracker.close();
    await this.#disconnect();
  }

  /** The last commit before leaving: repeated while a rebalance refuses it, for a bounded time. */
  async #commitAll(): Promise<void> {
    const giveUpAt = performance.now() + COMMIT_MS;
    const due = () => [...this.#trackers.values()].some((tracker) => tracker.toCommit() !== undefined);
    while (due() && performance.now() < giveUpAt) {
      await this.#commit();
      if (due()) await sleep(COMMIT_EVERY_MS);
    }
  }

  async #connect(): Promise<void> {
    const { client, settings, consume } = this.#options;
    const config = {
      ...consumerConfig(settings, consume.group),
      offset_commit_cb: (error: KafkaError | null | undefined, offsets?: CommittedOffset[]) =>
        this.#commitAnswered(error, offsets),
      rebalance_cb: (error: KafkaError, partitions: TopicPartition[]) => this.#rebalance(raw, error, partitions),
    };
    const raw = new client.RdKafka.KafkaConsumer(config, consumerTopicConfig());
    raw.on("event.error", (error) => this.#log.debug({ err: error }, "the Kafka client reports an error"));
    raw.setDefaultConsumeTimeout(CONSUME_MS);
    raw.setDefaultIsTimeoutOnlyForFirstMessage(true);
    try {
      await new Promise<void>((resolve, reject) => {
        raw.connect({ timeout: CONNECT_MS }, (error) => (error ? reject(error) : resolve()));
      });
      raw.subscribe([wireName(settings, consume.topic)]);
    } catch (error) {
      raw.disconnect(() => undefined);
      throw explainKafkaError(error, `connecting to ${settings.brokers.join(",")}`);
    }
    this.#raw = raw;
  }

  async #readWhileRunning(): Promise<void> {
    let empty = 0;
    while (!this.#leaving) {
      try {
        const records = await this.#read();
        this.#take(records);
        this.#commitSometimes();
        empty = records.length > 0 ? 0 : empty + 1;
        if (empty > 0) await this.#wake.wait(this.#paused ? FULL_POLL_MS : (IDLE_MS[empty] ?? 40));
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #read(): Promise<KafkaRecord[]> {
    const raw = this.#raw;
    if (raw === undefined) throw new Error("the Kafka consumer is not connected");
    const room = this.#dispatcher.room();
    if (room > 0) {
      this.#fullSince = undefined;
      if (this.#paused) raw.resume(raw.assignments());
      this.#paused = false;
      return await consumeFrom(raw, room);
    }
    const now = performance.now();
    this.#fullSince ??= now;
    if (!this.#paused && now - this.#fullSince < PAUSE_AFTER_MS) return [];
    if (!this.#paused || this.#assignedWhilePaused) raw.pause(raw.assignments());
    this.#paused = true;
    this.#assignedWhilePaused = false;
    return await consumeFrom(raw, 1);
  }

  #take(records: KafkaRecord[]): void {
    const messages: ReadMessage[] = [];
    for (const record of records) {
      const tracker = this.#trackers.get(record.partition);
      // Fetched before the partition went to another process: that one reads it.
      if (tracker === undefined) continue;
      tracker.started(record.offset);
      messages.push(readMessage(record, tracker));
    }
    if (messages.length > 0) this.#dispatcher.offer(messages);
  }

  /** Without its dead letter a message is neither finished nor redelivered, so it waits for the brokers for as long as this process runs. */
  async #bury(message: ReadMessage, headers: Record<string, string>): Promise<void> {
    await withRetry(async () => await this.#options.bury(message, headers), {
      policy: RECONNECT_POLICY,
      retryable: (error) => isRetryable(error) && this.#stopping === undefined,
    });
  }

  #finished(messages: ReadMessage[]): void {
    for (const { tracker, offset } of messages) tracker.finished(offset);
    this.#wake.wake();
  }

  #commitSometimes(): void {
    const now = performance.now();
    if (this.#commitUnderWay || now - this.#lastCommit < COMMIT_EVERY_MS) return;
    this.#lastCommit = now;
    this.#commitUnderWay = true;
    this.#committing = this.#commit().finally(() => (this.#commitUnderWay = false));
  }

  /**
   * Commits what is due and waits for the broker's answer, which librdkafka hands over while messages are read. A commit that is
   * refused, as in the middle of a rebalance, stays due.
   */
  async #commit(trackers = [...this.#trackers.values()]): Promise<void> {
    await this.#committing;
    const raw = this.#raw;
    const offsets = trackers.flatMap((tracker) => {
      const offset = tracker.toCommit();
      return offset === undefined ? [] : [{ topic: tracker.topic, partition: tracker.partition, offset }];
    });
    if (raw === undefined || offsets.length === 0) return;
    const answered = Promise.withResolvers<void>();
    this.#awaitedCommits.push({ trackers, answered });
    try {
      raw.commit(offsets);
      await settlesWithin(answered.promise, COMMIT_MS);
    } catch (error) {
      this.#log.debug({ err: error }, "a commit could not be sent: it is repeated");
    }
    this.#awaitedCommits = this.#awaitedCommits.filter((each) => each.answered !== answered);
  }

  /** The answer to the oldest commit under way: answers come in the order of the commits. */
  #commitAnswered(error: KafkaError | null | undefined, offsets: CommittedOffset[] | undefined): void {
    const awaited = this.#awaitedCommits.shift();
    if (error) this.#log.debug({ err: error }, "a commit was refused: it is repeated");
    for (const each of error ? [] : (offsets ?? [])) {
      const tracker = awaited?.trackers.find(({ partition }) => partition === each.partition);
      if (each.error) this.#log.debug({ err: each.error }, "a commit was refused: it is repeated");
      else tracker?.committed(each.offset);
    }
    awaited?.answered.resolve();
  }

  #rebalance(raw: RawConsumer, error: KafkaError, partitions: TopicPartition[]): void {
    this.#log.debug({ code: error.code, partitions: partitions.map((each) => each.partition) }, "rebalance");
    if (error.code === ASSIGN) {
      for (const { topic, partition } of partitions) {
        this.#trackers.get(partition)?.close();
        this.#trackers.set(partition, new OffsetTracker(topic, partition));
      }
      raw.incrementalAssign(partitions);
      this.#assignedWhilePaused = this.#paused;
    } else if (error.code === REVOKE) {
      void this.#giveUp(raw, partitions);
    } else {
      this.#log.warn({ err: error }, "the group could not be rebalanced");
      raw.unassign();
    }
  }

  /** Drops what was not begun, lets running handlers end for a bounded time, commits, then lets the partitions go. */
  async #giveUp(raw: RawConsumer, partitions: TopicPartition[]): Promise<void> {
    const gone = new Set<OffsetTracker>();
    for (const { partition } of partitions) {
      const tracker = this.#trackers.get(partition);
      if (tracker !== undefined) gone.add(tracker);
      this.#trackers.delete(partition);
    }
    const concerns = (message: ReadMessage) => gone.has(message.tracker);
    try {
      this.#dispatcher.forget(concerns);
      if (!this.#leaving && !raw.assignmentLost()) {
        await this.#dispatcher.idle(concerns, REVOKE_DRAIN_MS);
        await this.#commit([...gone]);
      }
    } finally {
      for (const tracker of gone) tracker.close();
      this.#release(raw, partitions);
    }
  }

  #release(raw: RawConsumer, partitions: TopicPartition[]): void {
    try {
      raw.incrementalUnassign(partitions);
    } catch (error) {
      this.#log.debug({ err: error }, "partitions were gone already");
    }
  }

  async #recover(error: unknown): Promise<void> {
    this.#log.warn({ err: error }, "could not read from Kafka");
    if (!isFatal(error) && this.#raw !== undefined) {
      await sleep(RECONNECT_POLICY.initialDelayMs);
      return;
    }
    this.#forgetEverything();
    await this.#disconnect();
    for (let failures = 1; !this.#leaving && this.#raw === undefined; failures += 1) {
      try {
        await this.#connect();
      } catch (connectError) {
        this.#log.warn({ err: connectError }, "Kafka is still away");
        await sleep(backoffDelayMs(RECONNECT_POLICY, Math.min(failures, 10)));
      }
    }
  }

  #forgetEverything(): void {
    for (const tracker of this.#trackers.values()) tracker.close();
    this.#trackers.clear();
    this.#dispatcher.forget((message) => !message.tracker.open);
  }

  async #disconnect(): Promise<void> {
    const raw = this.#raw;
    this.#raw = undefined;
    if (raw === undefined) return;
    await settlesWithin(new Promise<void>((resolve) => raw.disconnect(() => resolve())), DISCONNECT_MS);
  }
}

async function consumeFrom(raw: RawConsumer, count: number): Promise<KafkaRecord[]> {
  return await new Promise((resolve, reject) => {
    raw.consume(count, (error, records) => (error ? reject(error) : resolve(records)));
  });
}
