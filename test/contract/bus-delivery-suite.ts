import { afterEach, expect, it, vi } from "vitest";
import type { Bus, PartitionLag } from "../../shared/bus/bus.ts";
import { MAX_MESSAGE_BYTES } from "../../shared/contracts/topics.ts";
import { PermanentError, UsageError } from "../../shared/errors.ts";
import {
  type BusWorld,
  consume,
  freshTopic,
  Gate,
  GROUP,
  messages,
  Recorder,
  startHolder,
  type Topic,
} from "./bus-world.ts";

/** A group that lost a member without a word needs its session timeout: Kafka's least is 6 s. */
export const PATIENCE = { timeout: 30_000, interval: 10 };

/** What every bus promises of messages that are handled without failing. `world` is read when a test runs. */
export function busDeliverySuite(world: () => BusWorld): void {
  const opened: Bus[] = [];
  const open = async (topic: Topic): Promise<Bus> => {
    const bus = await world().open(topic.table);
    opened.push(bus);
    return bus;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()));
  });
  const sum = (lags: PartitionLag[], field: "endOffset" | "committedOffset" | "lag") =>
    lags.reduce((total, lag) => total + (lag[field] ?? 0), 0);

  it("hands over key, value and headers as they were published, as attempt 1", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const value = { text: "חלב 3%", list: [1, null, "x"], nested: { price: 7.9 } };
    await bus.publish(topic.name, [{ key: "victory:7290696200003:1", value, headers: { trace: "אבג", empty: "" } }]);
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(1), PATIENCE);
    expect(recorder.deliveries[0]).toEqual({
      topic: topic.name,
      key: "victory:7290696200003:1",
      value,
      headers: { trace: "אבג", empty: "" },
      attempt: 1,
    });
  });

  it("keeps what was published when the publisher is gone", async () => {
    const topic = freshTopic();
    const publisher = await open(topic);
    await publisher.publish(topic.name, messages("a", 1, 2, 3));
    await publisher.close();
    const recorder = new Recorder();
    await consume(await open(topic), topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.values).toEqual([1, 2, 3]), PATIENCE);
  });

  it("runs the messages of a key in published order and never two at once, other keys beside it", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const running = new Set<string>();
    const overlaps: string[] = [];
    const recorder = new Recorder(async (deliveries) => {
      const key = deliveries[0]?.key ?? "";
      if (running.has(key)) overlaps.push(key);
      running.add(key);
      await new Promise(setImmediate);
      running.delete(key);
    });
    await consume(bus, topic, recorder.handler);
    for (let round = 0; round < 10; round += 1) {
      const keys = ["a", "b", "c", "d", "e"];
      await bus.publish(
        topic.name,
        keys.flatMap((key) => messages(key, round * 2, round * 2 + 1)),
      );
    }
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(100), PATIENCE);
    expect(overlaps).toEqual([]);
    for (const key of ["a", "b", "c", "d", "e"]) {
      const values = recorder.deliveries.filter((delivery) => delivery.key === key).map((delivery) => delivery.value);
      expect(values).toEqual(Array.from({ length: 20 }, (_, index) => index));
    }
  });

  it("lets a key that is slow wait alone", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(async (deliveries) => {
      if (deliveries[0]?.key === "slow") await gate.pass();
    });
    await bus.publish(topic.name, [...messages("slow", 1, 2, 3, 4, 5, 6), ...messages("quick", 1, 2, 3)]);
    await consume(bus, topic, recorder.handler, { concurrency: 2 });
    const quick = () => recorder.deliveries.filter((delivery) => delivery.key === "quick");
    await vi.waitFor(() => expect(quick()).toHaveLength(3), PATIENCE);
    expect(recorder.deliveries).toHaveLength(4);
    gate.open();
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(9), PATIENCE);
  });

  it("gives a consumer that orders by itself several calls of one key at once, and no more than it asked for", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    await bus.publish(topic.name, messages("a", ...Array.from({ length: 20 }, (_, index) => index)));
    await consume(bus, topic, recorder.handler, { concurrency: 3, serialKeys: false });
    await vi.waitFor(() => expect(recorder.mostCalls).toBe(3), PATIENCE);
    gate.open();
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(20), PATIENCE);
    expect(recorder.mostCalls).toBe(3);
  });

  it("fills a call up to maxBatch, in order", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", ...Array.from({ length: 25 }, (_, index) => index)));
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler, { concurrency: 1, maxBatch: 10, lingerMs: 1_000, serialKeys: false });
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(25), PATIENCE);
    expect(recorder.calls.map((call) => call.length)).toEqual([10, 10, 5]);
    expect(recorder.values).toEqual(Array.from({ length: 25 }, (_, index) => index));
  });

  it("waits lingerMs for a call to fill", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler, { maxBatch: 100, lingerMs: 3_000, serialKeys: false });
    await bus.publish(topic.name, messages("a", 1));
    await bus.publish(topic.name, messages("a", 2));
    await bus.publish(topic.name, messages("a", 3));
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(3), PATIENCE);
    expect(recorder.calls).toHaveLength(1);
  });

  it("never hands out more than concurrency times maxBatch to a handler that is slow", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    await bus.publish(
      topic.name,
      numbers.map((value) => ({ key: `k${value}`, value })),
    );
    await consume(bus, topic, recorder.handler, { concurrency: 2, maxBatch: 5, lingerMs: 100 });
    await vi.waitFor(() => expect(recorder.mostCalls).toBe(2), PATIENCE);
    gate.open();
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(60), PATIENCE);
    expect(recorder.mostMessages).toBeLessThanOrEqual(10);
  });

  it("counts a message as waiting until its handler has resolved", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    await bus.publish(topic.name, [...messages("a", 1), ...messages("b", 2), ...messages("c", 3)]);
    expect(sum(await bus.lag(GROUP), "lag")).toBe(3);
    expect(await bus.lag("another group")).toEqual([]);
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(3), PATIENCE);
    const held = await bus.lag(GROUP);
    expect([sum(held, "endOffset"), sum(held, "committedOffset"), sum(held, "lag")]).toEqual([3, 0, 3]);
    gate.open();
    await vi.waitFor(async () => expect(sum(await bus.lag(GROUP), "lag")).toBe(0), PATIENCE);
    const done = await bus.lag();
    expect([sum(done, "endOffset"), sum(done, "committedOffset")]).toEqual([3, 3]);
    expect(new Set(done.map((lag) => `${lag.topic} ${lag.group}`))).toEqual(new Set([`${topic.name} ${GROUP}`]));
  });

  it("carries a message of 7 MB", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const text = Array.from({ length: 7 * 1024 * 1024 }, (_, index) => (index * 7919) % 10).join("");
    await bus.publish(topic.name, messages("big", { text }));
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(1), PATIENCE);
    expect((recorder.values[0] as { text: string }).text === text).toBe(true);
  });

  it("refuses a message over the limit for good, and says which", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const attempt = bus.publish(topic.name, messages("too-big", "x".repeat(MAX_MESSAGE_BYTES)));
    await expect(attempt).rejects.toThrow(PermanentError);
    await expect(attempt).rejects.toThrow(topic.name);
    await expect(attempt).rejects.toThrow("too-big");
    expect(sum(await bus.lag(GROUP), "endOffset")).toBe(0);
  });

  it("knows its topics and their groups", async () => {
    const bus = await open(freshTopic());
    await expect(bus.publish("no.such.topic", messages("a", 1))).rejects.toThrow(UsageError);
    await expect(consume(bus, freshTopic(), new Recorder().handler)).rejects.toThrow(UsageError);
  });

  it("creates its topics as often as it is asked, by two at once too, and answers a ping", async () => {
    const topic = freshTopic();
    const [one, two] = await Promise.all([open(topic), open(topic)]);
    await Promise.all([one.ensureTopics(), two.ensureTopics(), one.ping(), two.ping()]);
    await one.ensureTopics();
    await one.publish(topic.name, messages("a", 1));
    expect(sum(await two.lag(GROUP), "lag")).toBe(1);
  });

  it("shares the work of one group between two processes", async () => {
    const topic = freshTopic();
    const [one, two] = await Promise.all([open(topic), open(topic)]);
    const [first, second] = [new Recorder(), new Recorder()];
    await Promise.all([consume(one, topic, first.handler), consume(two, topic, second.handler)]);
    let published = 0;
    const seen = () => new Set([...first.values, ...second.values]).size;
    await vi.waitFor(async () => {
      const round = Array.from({ length: 40 }, () => published++);
      await one.publish(
        topic.name,
        round.map((value) => ({ key: `store-${value}`, value })),
      );
      await vi.waitFor(() => expect(seen()).toBe(published), PATIENCE);
      expect(first.values.length).toBeGreaterThan(0);
      expect(second.values.length).toBeGreaterThan(0);
    }, PATIENCE);
    await vi.waitFor(async () => expect(sum(await one.lag(GROUP), "lag")).toBe(0), PATIENCE);
  });

  it("lets running handlers end when it closes, and acknowledges them", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    await bus.publish(topic.name, messages("a", 1));
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(1), PATIENCE);
    const closed = bus.close();
    gate.open();
    await closed;
    const after = await open(topic);
    expect(sum(await after.lag(GROUP), "lag")).toBe(0);
  });

  it("hands a message over again that a stopped consumer had not finished", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const told: unknown[] = [];
    const recorder = new Recorder(
      async (_deliveries, signal) =>
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            told.push(signal.reason);
            reject(new Error("told to stop"));
          });
        }),
    );
    await bus.publish(topic.name, messages("a", 1, 2));
    const consumer = await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.values).toEqual([1]), PATIENCE);
    await consumer.stop(20);
    expect(told).toHaveLength(1);
    const next = new Recorder();
    await consume(bus, topic, next.handler);
    await vi.waitFor(() => expect(next.values).toEqual([1, 2]), PATIENCE);
    expect(next.deliveries.map((delivery) => delivery.attempt)).toEqual([1, 1]);
    expect(await bus.deadLetters(topic.name)).toEqual([]);
  });

  it("hands over again, in their old place, what a killed process held", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, [...messages("a", "a1"), ...messages("b", "b1"), ...messages("a", "a2")]);
    const holder = startHolder(world(), topic);
    await holder.holds(2);
    await bus.publish(topic.name, messages("a", "a3"));
    await holder.kill();
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(4), PATIENCE);
    const ofA = recorder.deliveries.filter((delivery) => delivery.key === "a").map((delivery) => delivery.value);
    expect(ofA).toEqual(["a1", "a2", "a3"]);
  });
}
