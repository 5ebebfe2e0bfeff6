import { afterEach, describe, expect, it, vi } from "vitest";
import type { Bus } from "../../../shared/bus/bus.ts";
import type { TopicTable } from "../../../shared/bus/topic-table.ts";
import { KAFKA_TEST_PREFIX, kafkaWorld } from "../../contract/bus-kafka-world.ts";
import { consume, freshTopic, Gate, GROUP, Recorder } from "../../contract/bus-world.ts";
import { describeGroups } from "../../helpers/consumer-groups.ts";

const brokers = process.env["GOGOBE_TEST_KAFKA_BROKERS"];
const reason = brokers === undefined ? " (skipped: GOGOBE_TEST_KAFKA_BROKERS names no broker)" : "";
const PATIENCE = { timeout: 50_000, interval: 20 };

describe.skipIf(brokers === undefined)(`the Kafka bus on a real broker${reason}`, () => {
  const opened: Bus[] = [];
  const open = async (table: TopicTable): Promise<Bus> => {
    const bus = await (await kafkaWorld(brokers ?? "")).open(table);
    opened.push(bus);
    return bus;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()));
  });
  const lagOf = async (bus: Bus) => (await bus.lag(GROUP)).reduce((sum, each) => sum + each.lag, 0);

  it("reads several topics as one group in one process, as the writer does", async () => {
    const topics = [freshTopic(), freshTopic(), freshTopic()];
    const table = new Map(topics.flatMap((topic) => [...topic.table]));
    const bus = await open(table);
    const recorders = topics.map(() => new Recorder());
    await Promise.all(topics.map((topic, index) => consume(bus, topic, recorders[index]?.handler ?? (async () => {}))));
    for (const topic of topics) {
      const values = Array.from({ length: 40 }, (_, value) => ({ key: `k${value}`, value }));
      await bus.publish(topic.name, values);
    }
    await vi.waitFor(() => expect(recorders.map(({ values }) => new Set(values).size)).toEqual([40, 40, 40]), PATIENCE);
    await vi.waitFor(async () => expect(await lagOf(bus)).toBe(0), PATIENCE);
    for (const [index, topic] of topics.entries()) {
      expect(recorders[index]?.deliveries.every((delivery) => delivery.topic === topic.name)).toBe(true);
    }
  });

  it("loses nothing while processes join and leave the group, and gives each some of the work", async () => {
    const topic = freshTopic();
    const first = await open(topic.table);
    const slow = async () => await new Promise<void>((resolve) => setTimeout(resolve, 5));
    const [one, two, three] = [new Recorder(slow), new Recorder(slow), new Recorder(slow)];
    let published = 0;
    const enough = new AbortController();
    const publishing = (async () => {
      while (!enough.signal.aborted) {
        const part = Array.from({ length: 50 }, () => published++);
        await first.publish(
          topic.name,
          part.map((value) => ({ key: `k${value % 60}`, value })),
        );
        await vi.waitFor(async () => expect(await lagOf(first)).toBeLessThan(300), PATIENCE);
      }
    })();
    await consume(first, topic, one.handler);
    await vi.waitFor(() => expect(one.values.length).toBeGreaterThan(100), PATIENCE);
    const second = await open(topic.table);
    await consume(second, topic, two.handler);
    await vi.waitFor(() => expect(two.values.length).toBeGreaterThan(100), PATIENCE);
    const leaving = await consume(await open(topic.table), topic, three.handler);
    await vi.waitFor(() => expect(three.values.length).toBeGreaterThan(0), PATIENCE);
    await leaving.stop();
    enough.abort();
    await publishing;
    const seen = () => new Set([...one.values, ...two.values, ...three.values]).size;
    await vi.waitFor(() => expect(seen()).toBe(published), PATIENCE);
    await vi.waitFor(async () => expect(await lagOf(first)).toBe(0), PATIENCE);
  });

  it("keeps its place in the group through work longer than the session, however full it is", async () => {
    const topic = freshTopic();
    const bus = await open(topic.table);
    const gate = new Gate();
    const busy = new Recorder(gate.pass);
    await bus.publish(
      topic.name,
      Array.from({ length: 30 }, (_, value) => ({ key: `k${value}`, value })),
    );
    await consume(bus, topic, busy.handler, { concurrency: 2 });
    await vi.waitFor(() => expect(busy.deliveries).toHaveLength(2), PATIENCE);
    // The session lasts 6 s: a consumer that did not go on polling would lose its partitions meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    expect(busy.deliveries).toHaveLength(2);
    gate.open();
    await vi.waitFor(() => expect(busy.deliveries).toHaveLength(30), PATIENCE);
    expect(new Set(busy.values).size).toBe(30);
    await vi.waitFor(async () => expect(await lagOf(bus)).toBe(0), PATIENCE);
  });

  it("says of the lag what Kafka's own tool says, partition by partition, with the consumer stopped", async () => {
    const topic = freshTopic();
    const bus = await open(topic.table);
    await bus.publish(
      topic.name,
      Array.from({ length: 100 }, (_, value) => ({ key: `k${value}`, value })),
    );
    const recorder = new Recorder();
    const consumer = await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(100), PATIENCE);
    await consumer.stop();
    await bus.publish(
      topic.name,
      Array.from({ length: 30 }, (_, value) => ({ key: `k${value}`, value })),
    );
    const ours = (await bus.lag(GROUP)).map((each) => [each.partition, each.committedOffset, each.endOffset, each.lag]);
    expect(ours.reduce((sum, [, , , lag]) => sum + (lag ?? 0), 0)).toBe(30);
    const described = await describeGroups(brokers ?? "", [`${KAFKA_TEST_PREFIX}${GROUP}`]);
    const theirs = described
      .filter((each) => each.topic === `${KAFKA_TEST_PREFIX}${topic.name}`)
      .map((each) => [each.partition, each.committed, each.end, each.lag]);
    expect(ours).toEqual(theirs);
  });
});
