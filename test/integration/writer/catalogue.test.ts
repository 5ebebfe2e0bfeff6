import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { StoreRow } from "../../../shared/contracts/ingest-messages.ts";
import { settleMasters } from "../../../writer/settle-masters.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, emptyTables, lines } from "./loading.ts";
import { CHAIN_ID, fileName, link, messagesOf, product, promotion } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};
const named = (store: string, hour: string, name: string, more = {}) =>
  messagesOf({
    name: fileName("Price", store, `20260814${hour}`),
    rows: [product("7290000000013", "5.00", 1, { name })],
    ...more,
  });
const itemNames = () =>
  lines(database.pool, "SELECT concat_ws(' ', chain, item_code, name) AS line FROM items ORDER BY chain, item_code");
const links = () =>
  lines(
    database.pool,
    `SELECT concat_ws(' ', i.item_code, m.master_key, l.method) AS line
  FROM product_master_links l JOIN items i ON i.id = l.item_id JOIN master_products m ON m.id = l.master_id ORDER BY 1`,
  );

describe("items", () => {
  test("an item carries the wording of its newest sighting in any store, whatever the order of arrival", async () => {
    await load(named("001", "0500", "new"), named("002", "0400", "old"));
    expect(await itemNames()).toEqual(["testmart 7290000000013 new"]);
    await load(named("002", "0600", "newest"));
    expect(await itemNames()).toEqual(["testmart 7290000000013 newest"]);
  });

  test("a later sighting with the same wording keeps an older file from changing it", async () => {
    await load(named("001", "0300", "name"), named("002", "0700", "name"), named("001", "0500", "other"));
    expect(await itemNames()).toEqual(["testmart 7290000000013 name"]);
  });

  test("a promotion makes items by their code alone, and the first price gives them their wording", async () => {
    const offer = messagesOf({
      name: fileName("Promo", "001", "202608140900"),
      rows: [promotion("P1", 1, { items: [link("7290000000013")] })],
    });
    await load(offer);
    expect(
      await lines(database.pool, "SELECT concat_ws(' ', item_code, gtin, name IS NULL) AS line FROM items"),
    ).toEqual(["7290000000013 07290000000013 t"]);
    await load(named("001", "0300", "name"));
    expect(await itemNames()).toEqual(["testmart 7290000000013 name"]);
  });

  test("loading what is known already burns no ids", async () => {
    await load(named("001", "0300", "a"), named("001", "0400", "a"), named("002", "0500", "b"));
    await load(messagesOf({ name: fileName("Price", "001", "202608140600"), rows: [product("2", "1.00", 1)] }));
    expect(await lines(database.pool, "SELECT id::text AS line FROM items ORDER BY id")).toEqual(["1", "2"]);
  });
});

describe("master products and links", () => {
  test("the same barcode in two chains is one master product, worded by the newest sighting", async () => {
    await load(
      named("001", "0500", "first chain", { chain: "a" }),
      named("001", "0400", "second chain", { chain: "b" }),
    );
    await settleMasters(database.pool);
    expect(await lines(database.pool, "SELECT concat_ws(' ', master_key, name) AS line FROM master_products")).toEqual([
      "gtin:07290000000013 first chain",
    ]);
    expect(await settleMasters(database.pool)).toBe(0);
  });

  test("a link that a person decided stays, whatever messages carry", async () => {
    await load(
      named("001", "0300", "a"),
      messagesOf({ name: fileName("Price", "001", "202608140301"), rows: [product("2", "1.00", 1)] }),
    );
    await database.pool.query(`UPDATE product_master_links SET method = 'manual', master_id = (SELECT id FROM master_products WHERE master_key = 'own:testmart:2')
      WHERE item_id = (SELECT id FROM items WHERE item_code = '7290000000013')`);
    await load(named("001", "0500", "b"));
    const { gtin: _, ...tag } = product("7290000000013", "5.00", 1);
    await load(
      messagesOf({
        name: fileName("Price", "001", "202608140600"),
        rows: [{ ...tag, master_id: 10 ** 14 + 5, master_key: "own:testmart:7290000000013", master_method: "own" }],
      }),
    );
    expect(await links()).toEqual(["2 own:testmart:2 own", "7290000000013 own:testmart:2 manual"]);
  });

  test("an item whose code means another product in its newest sighting follows it", async () => {
    const { gtin: _, ...tag } = product("7290000000013", "5.00", 1);
    const own = {
      ...tag,
      master_id: 10 ** 14 + 5,
      master_key: "own:testmart:7290000000013",
      master_method: "own" as const,
    };
    await load(messagesOf({ name: fileName("Price", "001", "202608140300"), rows: [own] }), named("001", "0500", "a"));
    expect(await links()).toEqual(["7290000000013 gtin:07290000000013 barcode"]);
    await load(messagesOf({ name: fileName("Price", "001", "202608140400"), rows: [own] }));
    expect(await links()).toEqual(["7290000000013 gtin:07290000000013 barcode"]);
  });

  test("two keys on one id are told and never merged", async () => {
    await load(messagesOf({ name: fileName("Price", "001", "202608140300"), rows: [product("1", "5.00", 1)] }));
    const taken = product("1", "5.00", 1).master_id;
    const result = await apply(
      database.pool,
      messagesOf({
        name: fileName("Price", "001", "202608140400"),
        rows: [{ ...product("2", "6.00", 1), master_id: taken }],
      }),
    );
    expect(result.conflicts).toMatchObject([{ offeredKey: "own:testmart:2", knownKey: "own:testmart:1" }]);
    expect(await links()).toEqual(["1 own:testmart:1 own"]);
    expect(await lines(database.pool, "SELECT error AS line FROM files WHERE error IS NOT NULL")).toEqual([
      expect.stringContaining("is claimed by own:testmart:2 and belongs to own:testmart:1"),
    ]);
    expect(await lines(database.pool, "SELECT price::text AS line FROM prices ORDER BY price")).toEqual([
      "5.00",
      "6.00",
    ]);
  });
});

describe("stores", () => {
  const stores = (stamp: string, rows: Partial<StoreRow>[], more = {}) =>
    messagesOf({
      name: `Stores${CHAIN_ID}-${stamp}.xml`,
      rows: rows.map((row, index) => ({ line: index + 1, storeCode: "1", ...row })),
      ...more,
    });
  const found = () =>
    lines(
      database.pool,
      "SELECT concat_ws(' ', chain, store_code, name, city) AS line FROM stores ORDER BY store_code_key",
    );

  test("codes compare without leading zeros, and what was published is kept", async () => {
    await load(
      messagesOf({ name: fileName("Price", "001", "202608140300"), rows: [product("1", "5.00", 1)] }),
      messagesOf({ name: fileName("Price", "1", "202608140400"), rows: [product("1", "6.00", 1)] }),
    );
    expect(await found()).toEqual(["testmart 001"]);
    await load(stores("202608140500", [{ storeCode: "01", name: "Centre" }]));
    expect(await found()).toEqual(["testmart 01 Centre"]);
  });

  test("the newest stores file describes a store, also when an older one comes after it", async () => {
    await load(
      stores("202608140500", [{ name: "New" }]),
      stores("202608140400", [
        { name: "Old", city: "Haifa" },
        { storeCode: "2", name: "Second" },
      ]),
    );
    expect(await found()).toEqual(["testmart 1 New", "testmart 2 Second"]);
  });

  test("a store that only prices have named stands there with its code", async () => {
    await load(messagesOf({ name: fileName("Price", "047", "202608140300"), rows: [] }));
    expect(await found()).toEqual(["testmart 047"]);
  });

  test("an unknown chain is its own chain, and every store can be joined to one", async () => {
    await load(messagesOf({ name: fileName("Price", "001", "202608140300"), chain: CHAIN_ID }));
    expect(
      await lines(
        database.pool,
        "SELECT concat_ws(' ', c.chain, c.chain_id, c.status) AS line FROM stores s JOIN chains c USING (chain)",
      ),
    ).toEqual([`${CHAIN_ID} ${CHAIN_ID} unknown`]);
  });

  test("a stores file is complete, and loaded, with its last batch", async () => {
    const batches = stores("202608140500", [{ storeCode: "1" }, { storeCode: "2" }, { storeCode: "3" }], {
      batchRows: 1,
    });
    expect((await apply(database.pool, batches.slice(1))).filesLoaded).toEqual([]);
    expect((await apply(database.pool, batches.slice(0, 1))).filesLoaded).toEqual([batches[0]?.fileId]);
  });
});
