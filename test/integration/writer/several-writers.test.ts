import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { IngestMessage } from "../../../shared/contracts/ingest-messages.ts";
import { createPool } from "../../../shared/database/open-database.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, emptyTables, exported, lines } from "./loading.ts";
import { CHAIN_ID, fileName, link, messagesOf, product, promotion } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const STORES = 6;
const ITEMS = 60;

/** Six stores whose files name the same new items in opposite orders, with other wordings, and a stores file over all of them. */
const files = (): IngestMessage[][] => [
  messagesOf({
    name: `Stores${CHAIN_ID}-202608140000.xml`,
    rows: Array.from({ length: STORES }, (_, at) => ({
      line: at + 1,
      storeCode: String(STORES - at),
      name: `store ${STORES - at}`,
    })),
  }),
  ...Array.from({ length: STORES }, (_, store) => {
    const codes = Array.from({ length: ITEMS }, (_, at) => String(store % 2 === 0 ? at + 1 : ITEMS - at));
    const code = String(store + 1).padStart(3, "0");
    return [
      ...messagesOf({
        name: fileName("PriceFull", code, `20260814030${store}`),
        rows: codes.map((item, at) => product(item, "5.00", at + 1, { name: `${item} as store ${store} calls it` })),
        batchRows: 10,
      }),
      ...messagesOf({
        name: fileName("PromoFull", code, "202608140300"),
        rows: codes.map((item, at) => promotion(`P${item}`, at + 1, { items: [link(item), link(`9${item}`)] })),
        batchRows: 10,
      }),
    ];
  }),
];

describe("several writers", () => {
  test("work on the same chain at once without a deadlock, and leave what one writer leaves", {
    timeout: 180_000,
  }, async () => {
    for (const file of files()) await apply(database.pool, file);
    const { price_history: expectedHistory, ...expected } = await exported(database.pool);
    await emptyTables(database.pool);
    const deadlocks = () =>
      lines(database.pool, "SELECT deadlocks::text AS line FROM pg_stat_database WHERE datname = current_database()");
    const before = await deadlocks();
    const pools = Array.from({ length: 3 }, () => createPool(database.url, createLog({ level: "silent" }), "writer"));
    try {
      // Neighbours in the queue are of different stores.
      const all = files().flat();
      const queue = all.map((_, at) => all[(at * 7) % all.length]).filter((message) => message !== undefined);
      await Promise.all(
        pools.map(async (pool) => {
          for (let flush = queue.splice(0, 4); flush.length > 0; flush = queue.splice(0, 4)) await apply(pool, flush);
        }),
      );
      // Statistics of a session are flushed when it ends at the latest.
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
    const { price_history: history, ...tables } = await exported(database.pool);
    expect(tables).toEqual(expected);
    expect(history).toEqual(expectedHistory);
    expect(await deadlocks()).toEqual(before);
  });

  test("one batch given to two of them is loaded by one", async () => {
    const batches = messagesOf({ name: fileName("PriceFull", "001", "202608140300"), rows: [product("1", "5.00", 1)] });
    const results = await Promise.all([apply(database.pool, batches), apply(database.pool, batches)]);
    expect(results.map((result) => result.batchesApplied).sort()).toEqual([0, 1]);
  });

  test("the batches of one file may go to different writers: whoever comes last completes it", async () => {
    const batches = messagesOf({
      name: fileName("PriceFull", "001", "202608140300"),
      batchRows: 1,
      rows: Array.from({ length: 8 }, (_, at) => product(String(at), "5.00", at + 1)),
    });
    const results = await Promise.all(batches.map((batch) => apply(database.pool, [batch])));
    expect(results.flatMap((result) => result.filesLoaded)).toEqual([batches[0]?.fileId]);
  });

  test("no reference dangles", async () => {
    for (const file of files()) await apply(database.pool, file);
    expect(
      await lines(
        database.pool,
        `
      SELECT 'price of no store' AS line FROM prices p LEFT JOIN stores s ON s.id = p.store_id WHERE s.id IS NULL
      UNION ALL SELECT 'price of no item' FROM prices p LEFT JOIN items i ON i.id = p.item_id WHERE i.id IS NULL
      UNION ALL SELECT 'price of no file' FROM prices p LEFT JOIN files f USING (file_id) WHERE f.file_id IS NULL
      UNION ALL SELECT 'history of no item' FROM price_history h LEFT JOIN items i ON i.id = h.item_id WHERE i.id IS NULL
      UNION ALL SELECT 'history of no price' FROM price_history h LEFT JOIN prices p USING (store_id, item_id) WHERE p.item_id IS NULL
      UNION ALL SELECT 'item of no chain' FROM items i LEFT JOIN chains c USING (chain) WHERE c.chain IS NULL
      UNION ALL SELECT 'item without a link' FROM items i LEFT JOIN product_master_links l ON l.item_id = i.id WHERE l.item_id IS NULL
      UNION ALL SELECT 'link to no master' FROM product_master_links l LEFT JOIN master_products m ON m.id = l.master_id WHERE m.id IS NULL
      UNION ALL SELECT 'offer of no item' FROM promotion_items l LEFT JOIN items i ON i.id = l.item_id WHERE i.id IS NULL
      UNION ALL SELECT 'batch of no file' FROM batches b LEFT JOIN files f USING (file_id) WHERE f.file_id IS NULL`,
      ),
    ).toEqual([]);
  });
});
