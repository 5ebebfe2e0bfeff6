import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consumerConfig, producerConfig, topicConfigs } from "../../../shared/bus/kafka-config.ts";
import { explainKafkaError } from "../../../shared/bus/kafka-errors.ts";
import { loadKafkaClient } from "../../../shared/bus/kafka-loader.ts";
import { partitionLags } from "../../../shared/bus/lag.ts";
import { OffsetTracker } from "../../../shared/bus/offset-tracker.ts";
import { ReplayProgress } from "../../../shared/bus/replay-progress.ts";
import { pipelineTopics } from "../../../shared/bus/topic-table.ts";
import type { KafkaSettings } from "../../../shared/config.ts";
import { deadLetterTopicOf, MAX_MESSAGE_BYTES, TOPICS } from "../../../shared/contracts/topics.ts";
import { PermanentError, RetryableError, UsageError } from "../../../shared/errors.ts";

const SETTINGS: KafkaSettings = {
  brokers: ["a:9092", "b:9092"],
  sasl: null,
  tls: false,
  caFile: null,
  partitions: 6,
  replication: 3,
  prefix: "",
  minInsyncReplicas: 2,
};

describe("the offset tracker", () => {
  function tracker(...offsets: number[]): OffsetTracker {
    const made = new OffsetTracker("t", 0);
    for (const offset of offsets) made.started(offset);
    return made;
  }

  it("commits nothing before the lowest message has finished", () => {
    const offsets = tracker(5, 6, 7);
    offsets.finished(7);
    offsets.finished(6);
    expect(offsets.toCommit()).toBeUndefined();
    offsets.finished(5);
    expect(offsets.toCommit()).toBe(8);
  });

  it("commits up to the lowest unfinished message, over gaps in the offsets", () => {
    const offsets = tracker(5, 9, 20);
    offsets.finished(5);
    expect(offsets.toCommit()).toBe(9);
    offsets.committed(9);
    expect(offsets.toCommit()).toBeUndefined();
    offsets.finished(9);
    expect(offsets.toCommit()).toBe(20);
  });

  it("commits nothing of a partition that is somebody else's", () => {
    const offsets = tracker(1);
    offsets.finished(1);
    offsets.close();
    expect(offsets.toCommit()).toBeUndefined();
  });

  it("finds the same as counting by hand, whatever the order of finishing", () => {
    const all = Array.from({ length: 50 }, (_, index) => index + 100);
    const order = all.toSorted((a, b) => ((a * 7_919) % 53) - ((b * 7_919) % 53));
    const offsets = tracker(...all);
    const finished = new Set<number>();
    for (const each of order) {
      offsets.finished(each);
      finished.add(each);
      const lowest = all.find((offset) => !finished.has(offset)) ?? 150;
      expect(offsets.toCommit()).toBe(lowest === 100 ? undefined : lowest);
    }
  });
});

describe("replay progress", () => {
  it("starts at the oldest message that is kept", () => {
    expect(ReplayProgress.read(undefined, null, 3).from).toBe(3);
    expect(ReplayProgress.read(-1_001, null, 0).from).toBe(0);
    expect(ReplayProgress.read(2, null, 7).from).toBe(7);
  });

  it("remembers messages that were picked out, as ranges, and closes up behind them", () => {
    const progress = ReplayProgress.read(10, "", 0);
    for (const offset of [12, 13, 14, 20]) progress.add(offset);
    expect([progress.from, progress.metadata]).toEqual([10, "12-14,20"]);
    const again = ReplayProgress.read(progress.from, progress.metadata, 0);
    expect([10, 11, 12, 14, 15, 20].map((offset) => again.has(offset))).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
    again.add(10);
    again.add(11);
    expect([again.from, again.metadata]).toEqual([15, "20"]);
  });

  it("says so when it cannot remember more", () => {
    const progress = ReplayProgress.read(0, "", 0);
    for (let offset = 1; offset < 5_000; offset += 2) progress.add(offset);
    expect(() => progress.metadata).toThrow(UsageError);
  });
});

describe("lag of a partition", () => {
  it("is what was published and not committed; of a group without a commit all that is there", () => {
    const ends = [
      { partition: 1, low: "4", high: "9" },
      { partition: 0, low: "0", high: "10" },
    ];
    expect(partitionLags("t", "g", ends, [{ partition: 0, offset: 7 }])).toEqual([
      { topic: "t", group: "g", partition: 0, endOffset: 10, committedOffset: 7, lag: 3 },
      { topic: "t", group: "g", partition: 1, endOffset: 9, committedOffset: null, lag: 5 },
    ]);
    expect(partitionLags("t", "g", ends, [{ partition: 1, offset: -1 }])[1]?.lag).toBe(5);
  });
});

describe("the Kafka client's configuration", () => {
  it("lets no message be acknowledged by fewer replicas than asked, nor stored twice by a repeated send", () => {
    expect(producerConfig()).toMatchObject({ acks: -1, "enable.idempotence": true, "compression.codec": "lz4" });
  });

  it("leaves commits to us and starts at the oldest message", () => {
    expect(consumerConfig(SETTINGS, "g")).toMatchObject({
      "bootstrap.servers": "a:9092,b:9092",
      "group.id": "g",
      "enable.auto.commit": false,
      "partition.assignment.strategy": "cooperative-sticky",
      "security.protocol": "plaintext",
    });
  });

  it.each([
    [false, true, "ssl"],
    [true, false, "sasl_plaintext"],
    [true, true, "sasl_ssl"],
  ])("with login %s and TLS %s talks %s", (login, tls, protocol) => {
    const sasl = login ? { mechanism: "SCRAM-SHA-512", username: "me", password: "secret" } : null;
    const config = consumerConfig({ ...SETTINGS, sasl, tls, caFile: tls ? "/ca.pem" : null }, "g");
    expect(config["security.protocol"]).toBe(protocol);
    expect(config["sasl.mechanisms"]).toBe(login ? "SCRAM-SHA-512" : undefined);
    expect(config["ssl.ca.location"]).toBe(tls ? "/ca.pem" : undefined);
  });

  it("makes every topic with its dead-letter topic, which forgets nothing and takes a message of the largest size", () => {
    const configs = topicConfigs(pipelineTopics(), SETTINGS);
    const names = Object.values(TOPICS).flatMap((topic) => [topic, deadLetterTopicOf(topic)]);
    expect(configs.map(({ topic }) => topic)).toEqual(names);
    for (const config of configs) {
      const entries = Object.fromEntries(config.configEntries.map(({ name, value }) => [name, value]));
      const dead = config.topic.endsWith(".dlq");
      expect(config.numPartitions).toBe(dead ? 1 : 6);
      expect(config.replicationFactor).toBe(3);
      expect(entries["min.insync.replicas"]).toBe("2");
      expect(Number(entries["max.message.bytes"])).toBeGreaterThan(MAX_MESSAGE_BYTES);
      expect(entries["retention.ms"] === "-1").toBe(dead);
    }
  });
});

describe("errors of Kafka", () => {
  const failure = (code: number) => Object.assign(new Error("broker says no"), { code });

  it("are permanent only where trying again cannot help, and say what to do", () => {
    expect(explainKafkaError(failure(10), "publishing to t")).toBeInstanceOf(PermanentError);
    const unknown = explainKafkaError(failure(3), "publishing to t");
    expect(unknown).toBeInstanceOf(RetryableError);
    expect(unknown.message).toContain("publishing to t");
    expect(unknown.hint).toContain("gogobe topics create");
    expect(explainKafkaError(failure(29), "x").hint).toContain("KAFKA_USERNAME");
    expect(explainKafkaError(failure(-195), "x").hint).toContain("KAFKA_BROKERS");
    const own = new PermanentError("ours");
    expect(explainKafkaError(own, "x")).toBe(own);
  });
});

describe("loading the optional Kafka client", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gogobe-kafka-loader-"));
    await writeFile(
      join(directory, "unbuilt.mjs"),
      `throw new Error("Could not locate the bindings file. Tried:\\n → /somewhere");`,
    );
    await writeFile(
      join(directory, "other-node.mjs"),
      `throw Object.assign(new Error("was compiled against another"), { code: "ERR_DLOPEN_FAILED" });`,
    );
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("says when it is not installed, and how to get it or do without", async () => {
    const loading = loadKafkaClient("@gogobe/no-such-package");
    await expect(loading).rejects.toThrow(UsageError);
    await expect(loading).rejects.toThrow("is not installed");
    await expect(loading).rejects.toMatchObject({ hint: expect.stringContaining("npm install") as string });
  });

  it.each([
    ["unbuilt.mjs", "was not built"],
    ["other-node.mjs", "another version of Node"],
  ])("says of %s that it %s", async (file, words) => {
    const loading = loadKafkaClient(join(directory, file));
    await expect(loading).rejects.toThrow(UsageError);
    await expect(loading).rejects.toThrow(words);
  });
});
