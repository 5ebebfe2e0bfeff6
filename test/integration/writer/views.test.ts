import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensurePartitions } from "../../../writer/partitions.ts";
import { refreshViews } from "../../../writer/views.ts";
import { createPool } from "../../../shared/database/open-database.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, emptyTables, exported, lines } from "./loading.ts";
import { fileName, link, messagesOf, product, promotion } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const MILK = "7290000000013";
const BREAD = "7290000000020";
const priced = (chain: string, store: string, stamp: string, rows: [string, string][]) =>
  messagesOf({
    chain,
    name: fileName("PriceFull", store, stamp),
    rows: rows.map(([code, price], at) => product(code, price, at + 1)),
  });
const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};
/** Chain ids differ, so that the stores of two chains do. */
const ofChain = (chain: string, id: string, ...rest: [string, string, [string, string][]]) =>
  priced(chain, ...rest).map((message) => ({ ...message, chainId: id }));

describe("materialized views", () => {
  test("cheapest_now holds the cheapest offer of every master product over chains, without delisted ones and silent stores", async () => {
    await load(
      ofChain("a", "1", "001", "202608140300", [
        [MILK, "6.00"],
        [BREAD, "9.00"],
      ]),
      ofChain("b", "2", "001", "202608140300", [
        [MILK, "5.00"],
        [BREAD, "8.00"],
      ]),
      ofChain("b", "2", "001", "202608150300", [[MILK, "5.50"]]),
      ofChain("c", "3", "001", "202608010300", [[MILK, "1.00"]]),
    );
    expect(await refreshViews(database.pool, { force: true })).toBe(true);
    expect(
      await lines(
        database.pool,
        "SELECT concat_ws(' ', gtin, name, price, chain, store_code, highest_price, chains, offers) AS line FROM cheapest_now ORDER BY gtin",
      ),
    ).toEqual([`0${MILK} item ${MILK} 5.50 b 001 6.00 2 2`, `0${BREAD} item ${BREAD} 9.00 a 001 9.00 1 1`]);
  });

  test("chain_price_index compares chains over the products that at least two of them sell", async () => {
    await load(
      ofChain("a", "1", "001", "202608140300", [
        [MILK, "4.00"],
        [BREAD, "100.00"],
      ]),
      ofChain("b", "2", "001", "202608140300", [[MILK, "6.00"]]),
    );
    await refreshViews(database.pool, { force: true });
    expect(
      await lines(
        database.pool,
        "SELECT concat_ws(' ', chain, products, price_index, cheapest_products) AS line FROM chain_price_index ORDER BY chain",
      ),
    ).toEqual(["a 1 80.00 1", "b 1 120.00 0"]);
  });

  test("store_coverage tells what is known of every store and how fresh it is", async () => {
    await load(
      priced("a", "001", "202608140300", [
        [MILK, "4.00"],
        [BREAD, "5.00"],
      ]),
      priced("a", "001", "202608150300", [[MILK, "4.00"]]),
      messagesOf({
        chain: "a",
        name: fileName("Promo", "001", "202608150900"),
        rows: [promotion("P1", 1, { items: [link(MILK)] })],
      }),
    );
    await refreshViews(database.pool, { force: true });
    const { rows } = await database.pool.query(
      "SELECT items, delisted_items, promotions, heard_at, prices_full_at, promotions_full_at FROM store_coverage",
    );
    expect(rows).toEqual([
      {
        items: "1",
        delisted_items: "1",
        promotions: "1",
        heard_at: new Date("2026-08-15T06:00:00Z"),
        prices_full_at: new Date("2026-08-15T00:00:00Z"),
        promotions_full_at: null,
      },
    ]);
  });

  test("refreshes are coalesced over all processes: not sooner than the least time after the last, whoever did it", async () => {
    const other = createPool(database.url, createLog({ level: "silent" }), "another process");
    try {
      expect(await refreshViews(database.pool, { leastSeconds: 3600 })).toBe(true);
      expect(await refreshViews(other, { leastSeconds: 3600 })).toBe(false);
      expect(await refreshViews(other, { leastSeconds: 0 })).toBe(true);
      expect(await refreshViews(other, { force: true, leastSeconds: 3600 })).toBe(true);
    } finally {
      await other.end();
    }
  });

  test("while one process refreshes, another does not, unless it is told to wait and do it", async () => {
    const holder = await database.pool.connect();
    try {
      await holder.query("SELECT pg_advisory_lock(7203, 0)");
      expect(await refreshViews(database.pool)).toBe(false);
      const forced = refreshViews(database.pool, { force: true });
      await holder.query("SELECT pg_advisory_unlock(7203, 0)");
      expect(await forced).toBe(true);
    } finally {
      holder.release();
    }
  });
});

describe("partitions", () => {
  test("several writers may make the same months at once", async () => {
    const pools = Array.from({ length: 3 }, () => createPool(database.url, createLog({ level: "silent" }), "writer"));
    try {
      await Promise.all(
        pools.map((pool) => ensurePartitions(pool, ["2031-01-15T00:00:00Z", "2031-03-01T01:00:00+03:00"])),
      );
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
    expect(
      await lines(
        database.pool,
        `SELECT relid::text AS line FROM pg_partition_tree('price_history') WHERE relid::text LIKE '%2031%' ORDER BY 1`,
      ),
    ).toEqual(["price_history_2031_01", "price_history_2031_02"]);
  });

  test("a month is made whatever the time zone of the server's sessions", async () => {
    await database.pool.query("SELECT 1");
    const pool = createPool(
      `${database.url}?options=-c%20TimeZone%3DAsia/Jerusalem`,
      createLog({ level: "silent" }),
      "writer",
    );
    try {
      await ensurePartitions(pool, ["2032-01-15T00:00:00Z"]);
    } finally {
      await pool.end();
    }
    expect(
      await lines(
        database.pool,
        `SELECT pg_get_expr(relpartbound, oid) AS line FROM pg_class WHERE relname = 'price_history_2032_01'`,
      ),
    ).toEqual([expect.stringMatching(/FROM \('2032-01-01 0[02]:00:00\+0[02]'\)/)]);
  });
});

describe("the export", () => {
  test("names everything by natural keys and holds no time of loading", async () => {
    await load(priced("testmart", "001", "202608140300", [[MILK, "4.00"]]));
    const tables = await exported(database.pool);
    const file = fileName("PriceFull", "001", "202608140300");
    expect(tables["prices"]).toMatch(
      new RegExp(
        `^chain_id,store,chain,item_code,price,.*\\n7290000000001,1,testmart,${MILK},4.00,.*,testmart,${file},0\\n$`,
      ),
    );
    expect(Object.keys(tables).sort()).toEqual([
      "batches",
      "chains",
      "files",
      "items",
      "master_products",
      "price_history",
      "prices",
      "product_master_links",
      "promotion_clubs",
      "promotion_items",
      "promotions",
      "rejected_rows",
      "store_snapshots",
      "stores",
    ]);
    const surrogate =
      /\b(?:id|store_id|item_id|promotion_id|master_id|loaded_at|discovered_at|enqueued_at|downloaded_at|parsed_at|changed_at)\b/;
    for (const csv of Object.values(tables)) expect(csv.split("\n")[0]).not.toMatch(surrogate);
  });
});
