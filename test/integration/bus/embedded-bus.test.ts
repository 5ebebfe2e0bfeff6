import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Bus } from "../../../shared/bus/bus.ts";
import { openEmbeddedBus } from "../../../shared/bus/embedded-bus.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { consume, freshTopic, Gate, GROUP, messages, Recorder, type Topic } from "../../contract/bus-world.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";

const log = createLog({ level: "silent" });
const PATIENCE = { timeout: 30_000, interval: 10 };

describe("the embedded bus on a shared database", () => {
  let database: TestDatabase;
  const opened: Bus[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()));
  });
  afterAll(async () => {
    await database?.drop();
  });

  async function open(topic: Topic): Promise<Bus> {
    const bus = await openEmbeddedBus({
      pool: database.pool,
      databaseUrl: database.url,
      log,
      metrics: createMetrics(),
      topics: topic.table,
    });
    opened.push(bus);
    return bus;
  }

  async function owners(topic: Topic): Promise<(number | null)[]> {
    const { rows } = await database.pool.query<{ owner: number | null }>(
      "SELECT owner FROM gogobe_bus.payloads WHERE queue = $1 ORDER BY id",
      [`${topic.name}/${GROUP}`],
    );
    return rows.map((row) => row.owner);
  }

  it("never runs two messages of a key at once over two processes, and keeps their order", async () => {
    const topic = freshTopic();
    const [one, two] = [await open(topic), await open(topic)];
    const running = new Map<string, number>();
    const overlaps: string[] = [];
    const order = new Map<string, unknown[]>();
    const work = new Recorder(async ([delivery]) => {
      const { key = "", value } = delivery ?? {};
      running.set(key, (running.get(key) ?? 0) + 1);
      if ((running.get(key) ?? 0) > 1) overlaps.push(key);
      order.set(key, [...(order.get(key) ?? []), value]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running.set(key, (running.get(key) ?? 0) - 1);
    });
    await Promise.all([consume(one, topic, work.handler), consume(two, topic, work.handler)]);
    const numbers = Array.from({ length: 25 }, (_, index) => index);
    for (const number of numbers) {
      await one.publish(
        topic.name,
        ["a", "b", "c"].map((key) => ({ key, value: number })),
      );
    }
    await vi.waitFor(() => expect(work.deliveries).toHaveLength(75), PATIENCE);
    expect(overlaps).toEqual([]);
    for (const key of ["a", "b", "c"]) expect(order.get(key)).toEqual(numbers);
  });

  it("leaves alone what a living process holds", async () => {
    const topic = freshTopic();
    const holder = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    await holder.publish(topic.name, messages("a", 1, 2));
    await consume(holder, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.values).toEqual([1]), PATIENCE);
    const before = await owners(topic);
    expect(before[0]).toBeTypeOf("number");

    const other = await open(topic);
    const taken = new Recorder();
    await consume(other, topic, taken.handler);
    await other.publish(topic.name, messages("b", 3));
    await vi.waitFor(() => expect([...recorder.values, ...taken.values]).toContain(3), PATIENCE);
    expect(taken.values).not.toContain(1);
    expect(taken.values).not.toContain(2);
    expect((await owners(topic))[0]).toBe(before[0]);
    gate.open();
    await vi.waitFor(async () => expect(await owners(topic)).toEqual([]), PATIENCE);
  });

  it("finishes what it holds, once, when only its connections were cut", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const gate = new Gate();
    const recorder = new Recorder(gate.pass);
    await bus.publish(topic.name, [...messages("a", 1), ...messages("b", 2)]);
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(() => expect(recorder.deliveries).toHaveLength(2), PATIENCE);
    const { rowCount } = await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'gogobe bus%' AND pid <> pg_backend_pid()`,
    );
    expect(rowCount).toBeGreaterThan(1);
    await bus.publish(topic.name, messages("c", 3));
    await vi.waitFor(() => expect(recorder.values).toContain(3), PATIENCE);
    gate.open();
    await vi.waitFor(async () => expect(await owners(topic)).toEqual([]), PATIENCE);
    expect(recorder.values.toSorted()).toEqual([1, 2, 3]);
  });

  it("keeps values out of the jobs, and the server from compressing them", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    await bus.publish(topic.name, messages("a", { needle: "n".repeat(5_000) }));
    const jobs = await database.pool.query<{ data: unknown }>("SELECT data FROM gogobe_queue.job WHERE name = $1", [
      `${topic.name}/${GROUP}`,
    ]);
    expect(JSON.stringify(jobs.rows)).not.toContain("needle");
    const storage = await database.pool.query<{ attstorage: string }>(
      "SELECT attstorage FROM pg_attribute WHERE attrelid = 'gogobe_bus.payloads'::regclass AND attname = 'body'",
    );
    expect(storage.rows[0]?.attstorage).toBe("e");
  });

  it("leaves nothing behind of what was acknowledged", async () => {
    const topic = freshTopic();
    const bus = await open(topic);
    const recorder = new Recorder();
    await bus.publish(topic.name, messages("a", 1, 2, 3));
    await consume(bus, topic, recorder.handler);
    await vi.waitFor(async () => expect(await owners(topic)).toEqual([]), PATIENCE);
    const jobs = await database.pool.query("SELECT 1 FROM gogobe_queue.job WHERE name = $1", [
      `${topic.name}/${GROUP}`,
    ]);
    expect(jobs.rowCount).toBe(0);
    expect(recorder.values).toEqual([1, 2, 3]);
  });
});
