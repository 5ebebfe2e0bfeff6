import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Bus, ConsumeOptions, Consumer, Delivery } from "../../shared/bus/bus.ts";
import type { TopicTable } from "../../shared/bus/topic-table.ts";

/** One implementation of the bus, ready to be opened as often as a test has processes. */
export interface BusWorld {
  open(topics: TopicTable): Promise<Bus>;
  /** What `bus-child.ts` needs to open the same bus in a process of its own. */
  childEnvironment: Record<string, string>;
  close(): Promise<void>;
}

export const GROUP = "readers";
export const STAGE = "test-stage";

export interface Topic {
  name: string;
  table: TopicTable;
}

/** A topic that no other test uses. */
export function freshTopic(): Topic {
  const name = `test.${randomUUID().slice(0, 13)}`;
  return { name, table: new Map([[name, [GROUP]]]) };
}

export const QUICK_RETRY = { attempts: 3, initialDelayMs: 5, maxDelayMs: 20 };

type Handler = ConsumeOptions["handler"];

/** A consumer with the settings that most tests want; each test says what it needs otherwise. */
export async function consume(
  bus: Bus,
  topic: Topic,
  handler: Handler,
  options: Partial<ConsumeOptions> = {},
): Promise<Consumer> {
  return await bus.consume({
    topic: topic.name,
    group: GROUP,
    concurrency: 4,
    maxBatch: 1,
    lingerMs: 0,
    retry: QUICK_RETRY,
    stage: STAGE,
    handler,
    ...options,
  });
}

/** What handlers were given, and how many calls and messages were under way at once at the most. */
export class Recorder {
  readonly calls: Delivery[][] = [];
  mostCalls = 0;
  mostMessages = 0;
  #calls = 0;
  #messages = 0;
  readonly #work: Handler;

  constructor(work: Handler = async () => undefined) {
    this.#work = work;
  }

  readonly handler: Handler = async (deliveries, signal) => {
    this.calls.push(deliveries);
    this.#calls += 1;
    this.#messages += deliveries.length;
    this.mostCalls = Math.max(this.mostCalls, this.#calls);
    this.mostMessages = Math.max(this.mostMessages, this.#messages);
    try {
      await this.#work(deliveries, signal);
    } finally {
      this.#calls -= 1;
      this.#messages -= deliveries.length;
    }
  };

  get deliveries(): Delivery[] {
    return this.calls.flat();
  }

  get values(): unknown[] {
    return this.deliveries.map((delivery) => delivery.value);
  }
}

/** A handler's work that waits until the test opens the gate. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  readonly pass = async (): Promise<void> => await this.#opened.promise;
}

export function messages(key: string, ...values: unknown[]): { key: string; value: unknown }[] {
  return values.map((value) => ({ key, value }));
}

/** A process of its own that takes messages and never finishes them. */
export interface Holder {
  /** Resolves with the values it holds, once there are this many. */
  holds(count: number): Promise<unknown[]>;
  kill(): Promise<void>;
}

export function startHolder(world: BusWorld, topic: Topic, options: Partial<ConsumeOptions> = {}): Holder {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "bus-child.ts")], {
    env: { ...process.env, ...world.childEnvironment, TEST_TOPIC: topic.name, TEST_OPTIONS: JSON.stringify(options) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const held: unknown[] = [];
  const waiting: { count: number; resolve: (values: unknown[]) => void }[] = [];
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if (child.stdout) {
    createInterface(child.stdout).on("line", (line) => {
      held.push(JSON.parse(line));
      for (const each of waiting) if (held.length >= each.count) each.resolve([...held]);
    });
  }
  return {
    holds: async (count) => {
      if (held.length >= count) return [...held];
      return await Promise.race([
        new Promise<unknown[]>((resolve) => waiting.push({ count, resolve })),
        exited.then(() => {
          throw new Error(`the holder ended with ${child.exitCode} before it held ${count} messages`);
        }),
      ]);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
