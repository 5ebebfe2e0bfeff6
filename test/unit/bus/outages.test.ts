import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ConsumeOptions, Delivery } from "../../../shared/bus/bus.ts";
import { Dispatcher } from "../../../shared/bus/dispatcher.ts";
import type { HeldMessage } from "../../../shared/bus/message-source.ts";
import { isEngineAway } from "../../../shared/engine-away.ts";
import { EngineAwayError, RetryableError } from "../../../shared/errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";

interface Message extends HeldMessage {
  value: unknown;
}

const message = (key: string, value: unknown): Message => ({ key, value, bytes: 10, headers: {} });
const MINUTE = 60_000;

function start(handle: (values: unknown[]) => void, options: Partial<ConsumeOptions> = {}) {
  const calls: { at: number; values: unknown[] }[] = [];
  const acknowledged: unknown[] = [];
  const buried: unknown[] = [];
  const handler = async (deliveries: Delivery[]) => {
    const values = deliveries.map(({ value }) => value);
    calls.push({ at: performance.now(), values });
    handle(values);
  };
  const all = {
    topic: "t",
    group: "g",
    concurrency: 1,
    maxBatch: 1,
    lingerMs: 0,
    retry: { attempts: 2, initialDelayMs: 100, maxDelayMs: 100 },
    stage: "s",
    handler,
    ...options,
  };
  const source = {
    load: async (messages: Message[]) => messages.map(({ value }) => ({ value })),
    acknowledge: async (messages: Message[]) => void acknowledged.push(...messages.map(({ value }) => value)),
    bury: async ({ value }: Message) => void buried.push(value),
    roomChanged: () => {},
  };
  const dispatcher = new Dispatcher<Message>(all, source, createLog({ level: "silent" }), createMetrics());
  return { dispatcher, calls, acknowledged, buried };
}

describe("while an engine is away", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("a message waits for half an hour at no cost, and goes on within seconds of its return", async () => {
    let away = true;
    const { dispatcher, acknowledged, buried } = start(() => {
      if (away) throw new EngineAwayError("PostgreSQL is away");
    });
    dispatcher.offer([message("a", 1), message("b", 2)]);
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    expect(acknowledged).toEqual([]);
    away = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(acknowledged.toSorted()).toEqual([1, 2]);
    expect(buried).toEqual([]);
  });

  it("a call of many is tried again as one call, not message by message", async () => {
    let away = true;
    const { dispatcher, calls, acknowledged } = start(
      () => {
        if (away) throw new EngineAwayError("PostgreSQL is away");
      },
      { maxBatch: 3, serialKeys: false },
    );
    dispatcher.offer([message("a", 1), message("a", 2), message("b", 3)]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    away = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(new Set(calls.map(({ values }) => values.join()))).toEqual(new Set(["1,2,3"]));
    expect(acknowledged).toEqual([1, 2, 3]);
  });

  it("others are let in slowly, not all at once", async () => {
    const { dispatcher, calls } = start(() => {
      throw new EngineAwayError("S3 is away");
    });
    dispatcher.offer(Array.from({ length: 400 }, (_, index) => message(`key ${index}`, index)));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(calls.length).toBeGreaterThan(10);
    expect(calls.length).toBeLessThan(200);
  });

  it("a message that alone finds it away runs out of attempts in the end, so that it cannot stop the line for ever", async () => {
    const { dispatcher, acknowledged, buried } = start(([value]) => {
      if (value === "crashes the server") throw Object.assign(new Error("crash of another backend"), { code: "57P02" });
    });
    dispatcher.offer([message("a", "crashes the server")]);
    for (let minute = 0; minute < 9; minute += 1) {
      dispatcher.offer([message("b", minute)]);
      await vi.advanceTimersByTimeAsync(MINUTE);
    }
    expect(acknowledged).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(buried).toEqual([]);
    for (let minute = 9; minute < 12; minute += 1) {
      dispatcher.offer([message("b", minute)]);
      await vi.advanceTimersByTimeAsync(MINUTE);
    }
    expect(buried).toEqual(["crashes the server"]);
  });

  it("what waits for it is given back when the consumer stops", async () => {
    const { dispatcher, acknowledged } = start(() => {
      throw new EngineAwayError("S3 is away");
    });
    dispatcher.offer([message("a", 1), message("a", 2)]);
    await vi.advanceTimersByTimeAsync(10);
    const drained = dispatcher.drain(50);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect((await drained).map(({ value }) => value).toSorted()).toEqual([1, 2]);
    expect(acknowledged).toEqual([]);
  });
});

const withCode = (code: string) => Object.assign(new Error("x"), { code });

it.each([
  ["a refused connection", withCode("ECONNREFUSED")],
  ["a refused connection on both addresses", new AggregateError([withCode("ECONNREFUSED"), withCode("ECONNREFUSED")])],
  ["a connection that was cut", withCode("ECONNRESET")],
  ["a server that shuts down", withCode("57P01")],
  ["a server that starts up", withCode("57P03")],
  ["a server without a free connection", withCode("53300")],
  ["a full disk of the server", withCode("53100")],
  ["the driver's word for a lost connection", new Error("Connection terminated unexpectedly")],
])("%s says that an engine is away", (_what, error) => expect(isEngineAway(error)).toBe(true));

it.each([
  ["a portal that is away", new RetryableError("host x: the connection was refused")],
  ["a value that no column takes", withCode("22003")],
  ["a deadlock", withCode("40P01")],
  ["a missing file", withCode("ENOENT")],
  ["an error without a word", new Error("")],
  ["something that is no error", "ECONNREFUSED"],
])("%s does not say that an engine is away", (_what, error) => expect(isEngineAway(error)).toBe(false));
