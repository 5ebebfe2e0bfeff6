import { UsageError } from "../errors.ts";

/*
 * The part of @confluentinc/kafka-javascript that is used here, in our own words: the package is optional, and without it its
 * typings are gone too.
 */

export type ClientConfig = Record<string, unknown>;

export interface TopicPartition {
  topic: string;
  partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  offset: number;
  metadata?: string | null;
}

export interface KafkaRecord extends TopicPartitionOffset {
  value: Buffer | null;
  key?: Buffer | string | null;
  headers?: Record<string, Buffer | string>[];
  size: number;
}

/** Errors carry librdkafka's code: negative from the client itself, positive from the broker. */
export interface KafkaError extends Error {
  code: number;
}

type Callback<T> = (error: KafkaError | null | undefined, result: T) => void;

/** The callback consumer: the promisified one can lose messages. */
export interface RawConsumer {
  connect(options: { timeout: number }, done: Callback<unknown>): void;
  disconnect(done: Callback<unknown>): void;
  subscribe(topics: string[]): void;
  assign(partitions: TopicPartition[]): void;
  unassign(): void;
  incrementalAssign(partitions: TopicPartition[]): void;
  incrementalUnassign(partitions: TopicPartition[]): void;
  assignments(): TopicPartition[];
  assignmentLost(): boolean;
  consume(count: number, done: Callback<KafkaRecord[]>): void;
  setDefaultConsumeTimeout(ms: number): void;
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void;
  pause(partitions: TopicPartition[]): void;
  resume(partitions: TopicPartition[]): void;
  /** The answer comes to `offset_commit_cb`; the callback of `commitCb` tells nothing of a broker that refused. */
  commit(offsets: TopicPartitionOffset[]): void;
  commitCb(offsets: TopicPartitionOffset[], done: (error: KafkaError | null) => void): void;
  committed(partitions: TopicPartition[], timeout: number, done: Callback<TopicPartitionOffset[]>): void;
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    timeout: number,
    done: Callback<{ lowOffset: number; highOffset: number }>,
  ): void;
  on(event: "event.error", listener: (error: KafkaError) => void): void;
}

export interface RawProducer {
  connect(): Promise<void>;
  send(record: {
    topic: string;
    messages: { key: string; value: Buffer; headers: Record<string, string> }[];
  }): Promise<unknown>;
  flush(options: { timeout: number }): Promise<void>;
  disconnect(): Promise<void>;
}

export interface TopicConfig {
  topic: string;
  numPartitions: number;
  replicationFactor: number;
  configEntries: { name: string; value: string }[];
}

export interface RawAdmin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(options: { timeout: number }): Promise<string[]>;
  createTopics(options: { topics: TopicConfig[]; timeout: number }): Promise<boolean>;
  fetchTopicOffsets(
    topic: string,
    options: { timeout: number },
  ): Promise<{ partition: number; high: string; low: string }[]>;
}

export interface KafkaClient {
  KafkaJS: {
    Kafka: new (
      config: ClientConfig,
    ) => {
      producer(config: ClientConfig): RawProducer;
      admin(config?: ClientConfig): RawAdmin;
    };
  };
  RdKafka: { KafkaConsumer: new (config: ClientConfig, topicConfig: ClientConfig) => RawConsumer };
}

/** Not written into the import itself, so that compilers do not look for the package. */
const PACKAGE: string = "@confluentinc/kafka-javascript";

/**
 * Loads the Kafka client, which installs only where a binary for this machine can be had or built.
 * @throws {UsageError} when it is not there, or was not built
 */
export async function loadKafkaClient(name = PACKAGE): Promise<KafkaClient> {
  try {
    const client: unknown = await import(name);
    return client as KafkaClient;
  } catch (cause) {
    throw new UsageError(`KAFKA_BROKERS is set, but the Kafka client ${describe(cause)}`, {
      cause,
      hint:
        `install it with "npm install ${PACKAGE}"; where its binary cannot be downloaded, build it (C++ compiler, make, python3, ` +
        `libssl-dev, zlib1g-dev): CKJS_LINKING=dynamic npm_config_build_from_source=true npm ci. ` +
        "Or unset KAFKA_BROKERS to use the queue on the database",
    });
  }
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return "is not installed";
  if (message.includes("bindings file")) return "is installed but was not built";
  if (code === "ERR_DLOPEN_FAILED") return `was built for another version of Node than ${process.version}`;
  return `cannot be loaded: ${message.split("\n")[0]}`;
}
