import { afterEach, expect, it, vi } from "vitest";
import type { Bus, Delivery } from "../../shared/bus/bus.ts";
import { DEAD_LETTER_HEADERS } from "../../shared/bus/dead-letter.ts";
import { PermanentError } from "../../shared/errors.ts";
import { PATIENCE } from "./bus-delivery-suite.ts";
import { type BusWorld, consume, freshTopic, GROUP, messages, Recorder, STAGE, type Topic } from "./bus-world.ts";

class BrokenThingError extends Error {
  override name = "BrokenThingError";
}

/** What every bus promises of messages whose handler fails. `world` is read when a test runs. */
export function busFailureSuite(world: () => BusWorld): void {
  const opened: Bus[] = [];
  const open = async (topic: Topic): Promise<Bus> => {
    const bus = await world().open(topic.table);
    opened.push(bus);
    return bus;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()));
  });
  const lagOf = async (bus: Bus) => (await bus.lag(GROUP)).reduce((total, each) => total + each.lag, 0);

  it("tries again until the handler succeeds, and counts the tries", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", "x"));
    const recorder = new Recorder(async ([delivery]) => {
      if (delivery !== undefined && delivery.attempt < 3) throw new BrokenThingError("not yet");
    });
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]), PATIENCE);
    await vi.waitFor(async () => expect(await lagOf(bus)).toBe(0), PATIENCE);
    expect(await bus.deadLetters(topic.name)).toEqual([]);
  });

  it("puts a message on the dead-letter topic when its attempts are used up, with the reason in its headers", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, [{ key: "a", value: { url: "x" }, headers: { trace: "t1" } }]);
    const seen: { delivery: Delivery; error: unknown; durable: number }[] = [];
    const recorder = new Recorder(async () => {
      throw new BrokenThingError("no luck at https://portal.example/file.gz?sig=secret today");
    });
    await consume(bus, topic, recorder.handler, {
      onDeadLetter: async (delivery, error) => {
        seen.push({ delivery, error, durable: (await bus.deadLetters(topic.name)).length });
      },
    });
    await vi.waitFor(() => expect(seen).toHaveLength(1), PATIENCE);
    expect(recorder.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(seen[0]?.error).toBeInstanceOf(BrokenThingError);
    expect(seen[0]?.delivery).toMatchObject({ key: "a", value: { url: "x" }, headers: { trace: "t1" } });
    expect(seen[0]?.durable).toBe(1);
    const [letter] = await bus.deadLetters(topic.name);
    expect(letter).toMatchObject({ topic: topic.name, key: "a", value: { url: "x" } });
    expect(letter?.headers).toMatchObject({
      trace: "t1",
      "error-class": "BrokenThingError",
      "error-message": "no luck at https://portal.example/file.gz today",
      stage: STAGE,
      attempts: "3",
    });
    expect(letter?.headers["stack-top"]).toContain("bus-failure-suite");
    const [first, last] = [letter?.headers["first-failure"] ?? "", letter?.headers["last-failure"] ?? ""];
    expect(Date.parse(first)).toBeLessThanOrEqual(Date.parse(last));
    await vi.waitFor(async () => expect(await lagOf(bus)).toBe(0), PATIENCE);
  });

  it("does not try again what is permanent", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", "x"));
    const recorder = new Recorder(async () => {
      throw new PermanentError("wrong for ever");
    });
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(1), PATIENCE);
    expect(recorder.deliveries).toHaveLength(1);
    const [letter] = await bus.deadLetters(topic.name);
    expect(letter?.headers).toMatchObject({ "error-class": "PermanentError", attempts: "1" });
  });

  it("lets one poisoned message cost nothing but itself", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", 1, 2, "poison", 4, 5));
    const done: unknown[] = [];
    const recorder = new Recorder(async (deliveries) => {
      if (deliveries.some(({ value }) => value === "poison")) throw new BrokenThingError("poisoned");
      done.push(...deliveries.map(({ value }) => value));
    });
    await consume(bus, topic, recorder.handler, { concurrency: 1, maxBatch: 5, lingerMs: 500, serialKeys: false });
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(1), PATIENCE);
    await vi.waitFor(() => expect(done).toEqual([1, 2, 4, 5]), PATIENCE);
    expect(recorder.calls[0]).toHaveLength(5);
    expect(recorder.calls.slice(1).every((call) => call.length === 1)).toBe(true);
    expect((await bus.deadLetters(topic.name))[0]).toMatchObject({ value: "poison", headers: { attempts: "3" } });
  });

  it("lets a failing key wait for its next try while others go on, and keeps its order", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    let broken = true;
    const recorder = new Recorder(async ([delivery]) => {
      if (delivery?.key === "bad" && broken) throw new BrokenThingError("not yet");
    });
    await bus.publish(topic.name, [...messages("bad", 1, 2, 3), ...messages("good", 1, 2, 3)]);
    await consume(bus, topic, recorder.handler, {
      concurrency: 1,
      retry: { attempts: 1_000, initialDelayMs: 50, maxDelayMs: 50 },
    });
    const of = (key: string) => recorder.deliveries.filter((delivery) => delivery.key === key);
    await vi.waitFor(() => expect(of("good")).toHaveLength(3), PATIENCE);
    expect(new Set(of("bad").map(({ value }) => value))).toEqual(new Set([1]));
    broken = false;
    await vi.waitFor(() => expect(of("bad").some(({ value }) => value === 3)).toBe(true), PATIENCE);
    expect([...new Set(of("bad").map(({ value }) => value))]).toEqual([1, 2, 3]);
  });

  it("lists dead letters oldest first, as many as asked for, also after it was closed", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", 1, 2, 3));
    await consume(bus, topic, async () => {
      throw new PermanentError("no");
    });
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(3), PATIENCE);
    await bus.close();
    const after = await open(topic);
    expect((await after.deadLetters(topic.name)).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect((await after.deadLetters(topic.name, { limit: 2 })).map(({ value }) => value)).toEqual([1, 2]);
  });

  it("replays the dead letters asked for, as they were first published, and takes them off the list", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const publish = ["one", "two", "three"].map((value) => ({ key: "a", value, headers: { trace: value } }));
    await bus.publish(topic.name, publish);
    const failing = await consume(bus, topic, async () => {
      throw new PermanentError("no");
    });
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(3), PATIENCE);
    await failing.stop();
    const recorder = new Recorder();
    await consume(bus, topic, recorder.handler);

    const second = (await bus.deadLetters(topic.name))[1];
    expect(second?.value).toBe("two");
    expect(await bus.deadLetters(topic.name, { ids: [second?.id ?? ""] })).toEqual([second]);
    expect(await bus.deadLetters(topic.name, { ids: ["of another topic"] })).toEqual([]);
    expect(await bus.replayDeadLetters(topic.name, [second?.id ?? ""])).toBe(1);
    await vi.waitFor(() => expect(recorder.values).toEqual(["two"]), PATIENCE);
    expect(recorder.deliveries[0]?.headers).toEqual({ trace: "two" });
    expect((await bus.deadLetters(topic.name)).map(({ value }) => value)).toEqual(["one", "three"]);

    expect(await bus.replayDeadLetters(topic.name)).toBe(2);
    await vi.waitFor(() => expect(recorder.values).toEqual(["two", "one", "three"]), PATIENCE);
    expect(await bus.deadLetters(topic.name)).toEqual([]);
    expect(await bus.replayDeadLetters(topic.name)).toBe(0);
    expect(recorder.deliveries.every(({ headers }) => !DEAD_LETTER_HEADERS.some((name) => name in headers))).toBe(true);
  });

  it("keeps a replayed message that fails again, once", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", "x"));
    let calls = 0;
    await consume(bus, topic, async () => {
      calls += 1;
      throw new PermanentError("still no");
    });
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(1), PATIENCE);
    expect(await bus.replayDeadLetters(topic.name)).toBe(1);
    await vi.waitFor(() => expect(calls).toBe(2), PATIENCE);
    await vi.waitFor(async () => expect(await bus.deadLetters(topic.name)).toHaveLength(1), PATIENCE);
  });
}
