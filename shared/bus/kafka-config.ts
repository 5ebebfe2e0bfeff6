import type { KafkaSettings } from "../config.ts";
import { deadLetterTopicOf, MAX_MESSAGE_BYTES } from "../contracts/topics.ts";
import type { Log } from "../observability/log.ts";
import type { ClientConfig, TopicConfig } from "./kafka-loader.ts";
import type { TopicTable } from "./topic-table.ts";

/** A message with its key and headers: what clients, topics and brokers must let through. */
export const RECORD_BYTES = MAX_MESSAGE_BYTES + 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1_000;
const RETENTION_MS = 7 * DAY_MS;
/** The least that brokers allow by default: what a killed process held comes back after this long. */
const SESSION_MS = 6_000;

/** The name of a topic or group on the brokers. */
export function wireName({ prefix }: KafkaSettings, name: string): string {
  return `${prefix}${name}`;
}

/** What every client needs to reach the brokers. */
function connection(settings: KafkaSettings): ClientConfig {
  const { brokers, sasl, tls, caFile } = settings;
  const protocol = sasl === null ? (tls ? "ssl" : "plaintext") : tls ? "sasl_ssl" : "sasl_plaintext";
  return {
    "bootstrap.servers": brokers.join(","),
    "client.id": "gogobe",
    "security.protocol": protocol,
    ...(caFile === null ? {} : { "ssl.ca.location": caFile }),
    ...(sasl === null
      ? {}
      : { "sasl.mechanisms": sasl.mechanism, "sasl.username": sasl.username, "sasl.password": sasl.password }),
    "socket.keepalive.enable": true,
    "socket.timeout.ms": 30_000,
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 5_000,
    "broker.address.ttl": 1_000,
    "allow.auto.create.topics": false,
    "message.max.bytes": RECORD_BYTES,
    log_level: 4,
  };
}

/** For the promisified clients (producer, admin): their log goes to ours. */
export function promisifiedConfig(settings: KafkaSettings, log: Log): ClientConfig {
  return { ...connection(settings), kafkaJS: { logger: loggerOf(log), logLevel: 2 } };
}

export function producerConfig(): ClientConfig {
  return {
    "enable.idempotence": true,
    acks: -1,
    "max.in.flight": 5,
    retries: 2_147_483_647,
    "retry.backoff.ms": 100,
    "retry.backoff.max.ms": 1_000,
    "message.timeout.ms": 120_000,
    "compression.codec": "lz4",
    "linger.ms": 5,
    "batch.num.messages": 10_000,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 262_144,
    partitioner: "murmur2_random",
  };
}

/** For the callback consumer: commits are ours, long work is no reason to leave the group because polling goes on. */
export function consumerConfig(settings: KafkaSettings, group: string): ClientConfig {
  return {
    ...connection(settings),
    "group.id": wireName(settings, group),
    "group.protocol": "classic",
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": SESSION_MS,
    "heartbeat.interval.ms": 1_500,
    "max.poll.interval.ms": 300_000,
    "enable.auto.commit": false,
    "enable.auto.offset.store": false,
    "isolation.level": "read_committed",
    "fetch.message.max.bytes": RECORD_BYTES,
    "fetch.max.bytes": 32 * 1024 * 1024,
    "receive.message.max.bytes": 100_000_000,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 100,
    "fetch.queue.backoff.ms": 100,
    "queued.min.messages": 1_000,
    "queued.max.messages.kbytes": 32_768,
    "topic.metadata.refresh.interval.ms": 30_000,
  };
}

/** A group that has committed nothing starts at the oldest message: nothing published before it came is lost. */
export function consumerTopicConfig(): ClientConfig {
  return { "auto.offset.reset": "earliest" };
}

/** Every topic of the table and its dead-letter topic, which keeps its messages until they are replayed. */
export function topicConfigs(topics: TopicTable, settings: KafkaSettings): TopicConfig[] {
  const entries = (retentionMs: number) => [
    { name: "cleanup.policy", value: "delete" },
    { name: "retention.ms", value: String(retentionMs) },
    { name: "max.message.bytes", value: String(RECORD_BYTES) },
    { name: "min.insync.replicas", value: String(settings.minInsyncReplicas) },
    { name: "compression.type", value: "producer" },
  ];
  return [...topics.keys()].flatMap((topic) => [
    {
      topic: wireName(settings, topic),
      numPartitions: settings.partitions,
      replicationFactor: settings.replication,
      configEntries: entries(RETENTION_MS),
    },
    {
      topic: wireName(settings, deadLetterTopicOf(topic)),
      numPartitions: 1,
      replicationFactor: settings.replication,
      configEntries: entries(-1),
    },
  ]);
}

/** librdkafka repeats itself while a broker is away: its chatter is for debugging, our own errors say what matters. */
function loggerOf(log: Log): Record<string, unknown> {
  const write = (message: string, extra: unknown) => log.debug({ kafka: extra }, message);
  const logger = { info: write, warn: write, error: write, debug: write, setLogLevel: () => undefined };
  return { ...logger, namespace: () => logger };
}
