import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Bus, ConsumeOptions, Delivery } from "../../../shared/bus/bus.ts";
import { loadConfig } from "../../../shared/config.ts";
import type { Chain } from "../../../shared/contracts/chain.ts";
import { ingestTopicOf, TOPICS } from "../../../shared/contracts/topics.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import type { StageDeps } from "../../../shared/stage.ts";
import { startWriter } from "../../../writer/worker.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, currentPrices, emptyTables, lines } from "./loading.ts";
import { CHAIN, CHAIN_ID, fileName, messagesOf, product } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const CHAIN_ENTRY = {
  key: CHAIN,
  nameEn: "Test Mart",
  nameHe: "טסט מרט",
  chainIds: [CHAIN_ID],
  portal: "cerberus",
  status: "active",
} as Chain;

/** A bus that only remembers who consumes what. */
function quietBus(): { bus: Bus; consumed: Map<string, ConsumeOptions>; stopped: string[] } {
  const consumed = new Map<string, ConsumeOptions>();
  const stopped: string[] = [];
  const consume = (options: ConsumeOptions) => {
    consumed.set(options.topic, options);
    return Promise.resolve({ stop: () => Promise.resolve().then(() => void stopped.push(options.topic)) });
  };
  return { bus: { consume } as unknown as Bus, consumed, stopped };
}

function stageDeps(bus: Bus, refreshSeconds = "3600"): StageDeps {
  return {
    config: loadConfig({ GOGOBE_REFRESH_SECONDS: refreshSeconds }),
    log: createLog({ level: "silent" }),
    metrics: createMetrics(),
    bus,
    store: {} as StageDeps["store"],
    db: database.pool,
    chains: { all: () => [CHAIN_ENTRY], byKey: () => CHAIN_ENTRY, byChainId: () => CHAIN_ENTRY },
  };
}

const deliveryOf = (value: { fileType: string }): Delivery => ({
  topic: ingestTopicOf(value.fileType as "price"),
  key: "k",
  value,
  headers: {},
  attempt: 1,
});
const file = (hour: string, price: string) =>
  messagesOf({ name: fileName("PriceFull", "001", `20260814${hour}`), rows: [product("7290000000013", price, 1)] });

describe("the writer stage", () => {
  test("takes many batches of the three ingest topics per transaction, and two flushes at once", async () => {
    const { bus, consumed, stopped } = quietBus();
    const stage = await startWriter(stageDeps(bus));
    expect([...consumed.keys()].sort()).toEqual([TOPICS.products, TOPICS.promotions, TOPICS.stores].sort());
    for (const options of consumed.values()) {
      expect(options).toMatchObject({
        group: "writer",
        maxBatch: 40,
        concurrency: 2,
        serialKeys: false,
        stage: "writer",
      });
    }
    await stage.stop();
    expect(stopped.sort()).toEqual([...consumed.keys()].sort());
  });

  test("loads what it is handed and writes the chains of the registry", async () => {
    const { bus, consumed } = quietBus();
    const stage = await startWriter(stageDeps(bus));
    const handle = consumed.get(TOPICS.products)?.handler;
    await Promise.all([
      handle?.(file("0300", "5.00").map(deliveryOf), AbortSignal.any([])),
      handle?.(file("0500", "6.00").map(deliveryOf), AbortSignal.any([])),
    ]);
    expect(await currentPrices(database.pool)).toEqual(["1 7290000000013 6.00"]);
    expect(
      await lines(database.pool, "SELECT concat_ws(' ', chain, chain_id, name, portal, status) AS line FROM chains"),
    ).toEqual([`testmart ${CHAIN_ID} טסט מרט cerberus active`]);
    await stage.stop();
  });

  test("refreshes the views after a flush without being asked", async () => {
    const { bus, consumed } = quietBus();
    const stage = await startWriter(stageDeps(bus, "0"));
    await consumed.get(TOPICS.products)?.handler(file("0300", "5.00").map(deliveryOf), AbortSignal.any([]));
    await vi.waitFor(
      async () => expect(await lines(database.pool, "SELECT price::text AS line FROM cheapest_now")).toEqual(["5.00"]),
      {
        timeout: 30_000,
      },
    );
    await stage.stop();
  });

  test("a dead-lettered batch marks its file as failed, and a file that is loaded stays loaded", async () => {
    const { bus, consumed } = quietBus();
    const stage = await startWriter(stageDeps(bus));
    const [loaded] = file("0300", "5.00");
    const [stuck] = messagesOf({
      name: fileName("PriceFull", "001", "202608140500"),
      batchRows: 1,
      rows: [product("1", "5.00", 1), product("2", "5.00", 2)],
    });
    await apply(database.pool, [loaded, stuck]);
    for (const message of [loaded, stuck, { fileId: "x", fileType: "price" }]) {
      await consumed.get(TOPICS.products)?.onDeadLetter?.(deliveryOf(message as { fileType: string }), new Error("no"));
    }
    expect(
      await lines(database.pool, "SELECT concat_ws(' ', status, error) AS line FROM files ORDER BY version"),
    ).toEqual(["loaded", "failed a batch could not be loaded: no"]);
    await stage.stop();
  });

  test("killed in the middle of COPY it leaves nothing behind, and the same batches load afterwards", async () => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL("writer-process.ts", import.meta.url)), database.url],
      {
        env: { ...process.env, GOGOBE_FAILPOINT: "writer:copying" },
        stdio: "inherit",
      },
    );
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(await lines(database.pool, "SELECT 'x' AS line FROM batches UNION ALL SELECT 'x' FROM prices")).toEqual([]);
    await apply(database.pool, file("0300", "5.00"));
    expect(await currentPrices(database.pool)).toEqual(["1 7290000000013 5.00"]);
  });
});
