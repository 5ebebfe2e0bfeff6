import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ConsumeOptions, Delivery } from "../../../shared/bus/bus.ts";
import { Dispatcher } from "../../../shared/bus/dispatcher.ts";
import type { HeldMessage, MessageSource } from "../../../shared/bus/message-source.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";

interface Message extends HeldMessage {
  value: unknown;
}

const MB = 1024 * 1024;
const message = (key: string, value: unknown, bytes = 10): Message => ({ key, value, bytes, headers: {} });

class Harness implements MessageSource<Message> {
  readonly calls: unknown[][] = [];
  readonly acknowledged: unknown[] = [];
  readonly buried: unknown[] = [];
  readonly dispatcher: Dispatcher<Message>;
  readonly open: (() => void)[] = [];

  constructor(options: Partial<ConsumeOptions> = {}) {
    const handler = async (deliveries: Delivery[]) => {
      this.calls.push(deliveries.map((delivery) => delivery.value));
      await new Promise<void>((resolve) => this.open.push(resolve));
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
    this.dispatcher = new Dispatcher(all, this, createLog({ level: "silent" }), createMetrics());
  }

  async load(messages: Message[]) {
    return messages.map(({ value }) => (value instanceof Error ? { error: value } : { value }));
  }
  async acknowledge(messages: Message[]) {
    this.acknowledged.push(...messages.map(({ value }) => value));
  }
  async bury({ value }: Message) {
    this.buried.push(value);
  }
  roomChanged() {}

  /** Lets the oldest call that is under way end. */
  async endCall() {
    this.open.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("the dispatcher", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("closes a call before it holds more than 16 MB, but never refuses one message", async () => {
    const harness = new Harness({ maxBatch: 40, serialKeys: false });
    const big = ["one", "two", "three", "huge", "five"].map((name) =>
      message("a", name, name === "huge" ? 17 * MB : 7 * MB),
    );
    harness.dispatcher.offer(big);
    for (let round = 0; round < 5; round += 1) {
      await vi.advanceTimersByTimeAsync(0);
      await harness.endCall();
    }
    expect(harness.calls).toEqual([["one", "two"], ["three"], ["huge"], ["five"]]);
    expect(harness.acknowledged).toEqual(["one", "two", "three", "huge", "five"]);
  });

  it("has no room for more messages when it holds 64 MB", async () => {
    const harness = new Harness({ maxBatch: 40, concurrency: 1, serialKeys: false });
    expect(harness.dispatcher.room()).toBe(40);
    harness.dispatcher.offer(Array.from({ length: 8 }, (_, index) => message("a", index, 7 * MB)));
    expect(harness.dispatcher.room()).toBe(32);
    harness.dispatcher.offer([message("a", 8, 8 * MB)]);
    expect(harness.dispatcher.room()).toBe(0);
  });

  it("has room for other keys while messages wait behind their own", async () => {
    const harness = new Harness({ concurrency: 2 });
    harness.dispatcher.offer([message("slow", 1), message("slow", 2), message("slow", 3)]);
    expect(harness.dispatcher.room()).toBe(1);
    harness.dispatcher.offer([message("other", 4)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(harness.calls).toEqual([[1], [4]]);
    expect(harness.dispatcher.room()).toBe(0);
  });

  it("stops taking messages when too many wait behind their keys", () => {
    const harness = new Harness({ concurrency: 2 });
    harness.dispatcher.offer(Array.from({ length: 600 }, (_, index) => message("slow", index)));
    expect(harness.dispatcher.room()).toBe(0);
  });

  it("waits no longer than lingerMs for a call to fill, counted from its oldest message", async () => {
    const harness = new Harness({ maxBatch: 3, lingerMs: 100 });
    harness.dispatcher.offer([message("a", 1)]);
    await vi.advanceTimersByTimeAsync(60);
    harness.dispatcher.offer([message("b", 2)]);
    await vi.advanceTimersByTimeAsync(39);
    expect(harness.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(harness.calls).toEqual([[1, 2]]);
  });

  it("starts a full call without waiting", async () => {
    const harness = new Harness({ maxBatch: 2, lingerMs: 1_000 });
    harness.dispatcher.offer([message("a", 1), message("b", 2), message("c", 3)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(harness.calls).toEqual([[1, 2]]);
  });

  it("dead-letters a value that is not readable at once, and hands over the rest of its call", async () => {
    const harness = new Harness({ maxBatch: 3 });
    const unreadable = new Error("not JSON");
    harness.dispatcher.offer([message("a", 1), message("b", unreadable), message("c", 3)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(harness.buried).toEqual([unreadable]);
    expect(harness.calls).toEqual([[1, 3]]);
    await harness.endCall();
    expect(harness.acknowledged).toEqual([unreadable, 1, 3]);
  });

  it("waits between tries and takes the key's later messages only afterwards", async () => {
    const tries: unknown[] = [];
    const harness = new Harness({
      handler: async ([delivery]) => {
        tries.push(delivery?.value);
        if (delivery?.value === 1) throw new Error("fails");
      },
    });
    harness.dispatcher.offer([message("a", 1), message("a", 2), message("b", 3)]);
    await vi.advanceTimersByTimeAsync(10);
    expect(tries).toEqual([1, 3]);
    await vi.advanceTimersByTimeAsync(100);
    expect(tries).toEqual([1, 3, 1, 2]);
    expect(harness.buried).toEqual([1]);
    expect(harness.acknowledged).toEqual([3, 1, 2]);
  });

  it("tells a stage again of a dead letter that it could not note", async () => {
    let told = 0;
    const harness = new Harness({
      retry: { attempts: 1, initialDelayMs: 1, maxDelayMs: 1 },
      handler: async () => {
        throw new Error("fails");
      },
      onDeadLetter: async () => {
        told += 1;
        if (told < 3) throw new Error("the ledger is away");
      },
    });
    harness.dispatcher.offer([message("a", 1)]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toBe(3);
    expect(harness.acknowledged).toEqual([1]);
  });

  it("gives back what it has not finished, in order, and starts nothing more", async () => {
    const harness = new Harness();
    harness.dispatcher.offer([message("a", 1), message("b", 2), message("c", 3)]);
    await vi.advanceTimersByTimeAsync(0);
    const drained = harness.dispatcher.drain(50);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await drained).map(({ value }) => value)).toEqual([2, 3, 1]);
    expect(harness.calls).toEqual([[1]]);
    expect(harness.dispatcher.room()).toBe(0);
  });

  it("forgets messages that are no longer ours, also those that wait for their next try", async () => {
    const tries: unknown[] = [];
    const harness = new Harness({
      retry: { attempts: 5, initialDelayMs: 100, maxDelayMs: 100 },
      handler: async ([delivery]) => {
        tries.push(delivery?.value);
        throw new Error("fails");
      },
    });
    harness.dispatcher.offer([message("a", 1), message("a", 2)]);
    await vi.advanceTimersByTimeAsync(10);
    harness.dispatcher.forget(({ key }) => key === "a");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tries).toEqual([1]);
    harness.dispatcher.offer([message("a", 3)]);
    await vi.advanceTimersByTimeAsync(10);
    expect(tries).toEqual([1, 3]);
  });
});
