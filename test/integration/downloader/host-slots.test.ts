import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createHostSlots, type HostSlots } from "../../../shared/net/host-slots.ts";
import { HostBusyError } from "../../../shared/net/net-errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";

const log = createLog({ level: "silent" });
let database: TestDatabase;
const opened: HostSlots[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const slots of opened.splice(0)) await slots.close();
  await database.pool.query("DELETE FROM host_slots");
});
afterAll(async () => {
  await database.drop();
});

/** As another process would: an owner of its own. `queries` counts its round trips. */
function member() {
  const counted = { queries: 0 };
  const query = (...parameters: unknown[]) => {
    counted.queries++;
    return Reflect.apply(database.pool.query, database.pool, parameters);
  };
  const slots = createHostSlots({ query } as never, log);
  opened.push(slots);
  return { slots, counted };
}

/** Runs `count` pieces of work over these members at once and reports how many ran together at the most. */
async function mostAtOnce(members: HostSlots[], host: string, limit: number, count: number): Promise<number> {
  let now = 0;
  let most = 0;
  const work = async (slots: HostSlots) => {
    const release = await slots.acquire(host, limit, { waitMs: 30_000 });
    now++;
    most = Math.max(most, now);
    await new Promise((done) => setTimeout(done, 5));
    now--;
    release();
  };
  await Promise.all(members.flatMap((slots) => Array.from({ length: count }, () => work(slots))));
  return most;
}

describe("slots of a host", () => {
  it("hold a limit over several processes together, and each gets its turn", async () => {
    const members = [member(), member(), member()].map(({ slots }) => slots);
    expect(await mostAtOnce(members, "h", 3, 40)).toBe(3);
  });

  it("are counted per host", async () => {
    const { slots } = member();
    const first = await slots.acquire("a", 1, { waitMs: 1_000 });
    await expect(slots.acquire("a", 1, { waitMs: 100 })).rejects.toThrow(HostBusyError);
    const second = await slots.acquire("b", 1, { waitMs: 1_000 });
    first();
    second();
  });

  it("cost a handful of round trips for thousands of small files", async () => {
    const { slots, counted } = member();
    for (let n = 0; n < 2_000; n++) (await slots.acquire("h", 5, { waitMs: 1_000 }))();
    expect(counted.queries).toBeLessThan(20);
  });

  it("make the next one wait, in order, until one is given back", async () => {
    const { slots } = member();
    const order: string[] = [];
    const first = await slots.acquire("h", 1, { waitMs: 5_000 });
    const waiting = ["second", "third"].map(async (name) => {
      const release = await slots.acquire("h", 1, { waitMs: 5_000 });
      order.push(name);
      release();
    });
    expect(order).toEqual([]);
    first();
    await Promise.all(waiting);
    expect(order).toEqual(["second", "third"]);
  });

  it("refuse after the longest wait, naming the host", async () => {
    const holder = member().slots;
    const release = await holder.acquire("h", 1, { waitMs: 1_000 });
    const running = member().slots.acquire("h", 1, { waitMs: 150 });
    await expect(running).rejects.toThrow(/host h: none of its 1 slots/);
    await expect(running).rejects.toBeInstanceOf(HostBusyError);
    release();
  });

  it("let a waiting caller go when it gives up", async () => {
    const { slots } = member();
    const release = await slots.acquire("h", 1, { waitMs: 1_000 });
    const caller = new AbortController();
    const running = slots.acquire("h", 1, { waitMs: 5_000, signal: caller.signal });
    caller.abort(new Error("shut down"));
    await expect(running).rejects.toThrow("shut down");
    release();
    (await slots.acquire("h", 1, { waitMs: 1_000 }))();
  });

  it("of a process that died come free when the lease runs out", async () => {
    await member().slots.acquire("h", 1, { waitMs: 1_000 });
    const other = member().slots;
    await expect(other.acquire("h", 1, { waitMs: 150 })).rejects.toThrow(HostBusyError);
    await database.pool.query("UPDATE host_slots SET expires_at = now() WHERE slot >= 0");
    (await other.acquire("h", 1, { waitMs: 5_000 }))();
  });

  it("go to another process while the first would use them for ever", async () => {
    const greedy = member().slots;
    const stop = new AbortController();
    const busy = Promise.all(
      Array.from({ length: 3 }, async () => {
        while (!stop.signal.aborted) {
          const release = await greedy.acquire("h", 1, { waitMs: 30_000 });
          await new Promise((done) => setTimeout(done, 20));
          release();
        }
      }),
    );
    const release = await member().slots.acquire("h", 1, { waitMs: 20_000 });
    stop.abort();
    release();
    await expect(busy).resolves.toHaveLength(3);
  });

  it("are all given back at the end", async () => {
    const { slots } = member();
    await slots.acquire("h", 2, { waitMs: 1_000 });
    await slots.close();
    const { rows } = await database.pool.query("SELECT 1 FROM host_slots WHERE slot >= 0 AND expires_at > now()");
    expect(rows).toEqual([]);
  });
});
