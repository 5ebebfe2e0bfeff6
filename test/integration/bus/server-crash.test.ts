import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openEmbeddedBus } from "../../../shared/bus/embedded-bus.ts";
import {
  deleteEmbeddedPostgres,
  type EmbeddedPostgres,
  openEmbeddedPostgres,
} from "../../../shared/database/embedded-postgres.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { consume, freshTopic, GROUP, Recorder } from "../../contract/bus-world.ts";

const log = createLog({ level: "silent" });
const MESSAGES = 200;

describe("the embedded bus when PostgreSQL crashes under it", () => {
  let home: string;
  let server: EmbeddedPostgres;
  let pool: Pool;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "gogobe-bus-crash-"));
    await chmod(home, 0o711);
    server = await openEmbeddedPostgres(home, log);
    pool = new Pool({ connectionString: server.url });
    pool.on("error", () => undefined);
  });
  afterAll(async () => {
    await pool?.end();
    await server?.close();
    await deleteEmbeddedPostgres(home);
    await rm(home, { recursive: true, force: true });
  });

  it("reconnects and loses nothing of what was published, handed out or being published", async () => {
    const topic = freshTopic();
    const bus = await openEmbeddedBus({
      pool,
      databaseUrl: server.url,
      log,
      metrics: createMetrics(),
      topics: topic.table,
    });
    const recorder = new Recorder(async () => await new Promise((resolve) => setTimeout(resolve, 2)));
    await consume(bus, topic, recorder.handler);
    const all = Array.from({ length: MESSAGES }, (_, index) => index);
    const publishing = (async () => {
      for (const value of all) await bus.publish(topic.name, [{ key: `store-${value % 20}`, value }]);
    })();
    await vi.waitFor(() => expect(recorder.deliveries.length).toBeGreaterThan(MESSAGES / 4), { timeout: 30_000 });
    // A killed backend makes the postmaster cut every connection and recover from the log: the whole server crashes.
    const { rows } = await pool.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'gogobe bus' LIMIT 1",
    );
    const backend = rows[0]?.pid;
    expect(backend).toBeTypeOf("number");
    if (backend !== undefined) process.kill(backend, "SIGKILL");
    await publishing;
    await vi.waitFor(() => expect(new Set(recorder.values).size).toBe(MESSAGES), { timeout: 50_000 });
    await vi.waitFor(async () => expect((await bus.lag(GROUP))[0]?.lag).toBe(0), { timeout: 30_000 });
    expect(await bus.deadLetters(topic.name)).toEqual([]);
    await bus.close();
  });
});
