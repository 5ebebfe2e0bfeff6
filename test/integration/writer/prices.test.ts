import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, currentPrices, emptyTables, history, lines } from "./loading.ts";
import { fileName, messagesOf, product } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

/** A price file of store 001 by the hour of 14 August 2026, Israel (UTC+3). */
const full = (hour: string, rows: [code: string, price: string][], more = {}) => priced("PriceFull", hour, rows, more);
const delta = (hour: string, rows: [code: string, price: string][], more = {}) => priced("Price", hour, rows, more);
function priced(type: string, hour: string, rows: [string, string][], more: object) {
  return messagesOf({
    name: fileName(type, "001", `20260814${hour}`),
    rows: rows.map(([code, price], index) => product(code, price, index + 1)),
    ...more,
  });
}
const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};

describe("current prices", () => {
  test("a full file loads its prices, items, masters, links and history", async () => {
    const result = await apply(
      database.pool,
      full("0300", [
        ["7290000000013", "12.90"],
        ["55", "3.00"],
      ]),
    );
    expect(result.filesLoaded).toHaveLength(1);
    expect(await currentPrices(database.pool)).toEqual(["1 55 3.00", "1 7290000000013 12.90"]);
    expect(await history(database.pool)).toEqual(["1 55 3.00@14T00:00", "1 7290000000013 12.90@14T00:00"]);
    expect(
      await lines(
        database.pool,
        `SELECT concat_ws(' ', i.item_code, i.name, i.gtin, m.master_key, m.gtin, l.method, l.confidence) AS line
      FROM items i JOIN product_master_links l ON l.item_id = i.id JOIN master_products m ON m.id = l.master_id ORDER BY i.item_code`,
      ),
    ).toEqual([
      "55 item 55 own:testmart:55 own 1",
      "7290000000013 item 7290000000013 07290000000013 gtin:07290000000013 07290000000013 barcode 1",
    ]);
  });

  test("a batch that comes twice changes nothing the second time", async () => {
    const batches = full(
      "0300",
      [
        ["1", "5.00"],
        ["2", "6.00"],
        ["3", "7.00"],
      ],
      { batchRows: 1 },
    );
    await apply(database.pool, batches);
    const before = await lines(
      database.pool,
      "SELECT concat(xmin, ctid, version) AS line FROM prices ORDER BY item_id",
    );
    const again = await apply(database.pool, [...batches, ...batches]);
    expect(again).toMatchObject({ batchesApplied: 0, batchesSkipped: 3, rows: 0, filesLoaded: [] });
    expect(
      await lines(database.pool, "SELECT concat(xmin, ctid, version) AS line FROM prices ORDER BY item_id"),
    ).toEqual(before);
  });

  test("a row of an older file never replaces one of a newer file, even when the newer one changed nothing", async () => {
    await load(delta("0300", [["1", "5.00"]]), delta("0500", [["1", "5.00"]]), delta("0400", [["1", "9.00"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00"]);
  });

  test("the last update wins inside a file, and the later row where the times are equal or missing", async () => {
    const rows = [
      product("1", "1.00", 1, { updatedAt: "2026-08-14T02:00:00+03:00" }),
      product("1", "2.00", 2, { updatedAt: "2026-08-14T01:00:00+03:00" }),
      product("2", "3.00", 3),
      product("2", "4.00", 4),
      product("3", "5.00", 5, { updatedAt: "2026-08-01T00:00:00+03:00" }),
      product("3", "6.00", 6),
    ];
    const file = messagesOf({ name: fileName("PriceFull", "001", "202608140300"), rows, batchRows: 1 });
    await load(file);
    expect(await currentPrices(database.pool)).toEqual(["1 1 1.00", "1 2 4.00", "1 3 5.00"]);
    await emptyTables(database.pool);
    for (const batch of file.toReversed()) await load([batch]);
    expect(await currentPrices(database.pool)).toEqual(["1 1 1.00", "1 2 4.00", "1 3 5.00"]);
  });

  test("the row's own update time never puts an older file before a newer one", async () => {
    const stamped = (hour: string, price: string, updatedAt: string) =>
      messagesOf({ name: fileName("Price", "001", `20260814${hour}`), rows: [product("1", price, 1, { updatedAt })] });
    await load(
      stamped("0500", "5.00", "2026-01-01T00:00:00+02:00"),
      stamped("0400", "4.00", "2026-08-14T00:00:00+03:00"),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00"]);
  });

  test("an unchanged price takes the newer version with a narrow update that touches no index", async () => {
    await load(full("0300", [["1", "5.00"]]), full("0400", [["1", "5.00"]]));
    const { rows } = await database.pool.query(`SELECT f.file_name, p.version = f.version AS newest, p.row_number
      FROM prices p JOIN files f USING (file_id)`);
    expect(rows).toEqual([{ file_name: fileName("PriceFull", "001", "202608140400"), newest: true, row_number: 1 }]);
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T00:00"]);
  });

  test("money keeps its decimals exactly as published", async () => {
    await load(
      full("0300", [
        ["1", "0.10"],
        ["2", "1234567.8901"],
      ]),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 0.10", "1 2 1234567.8901"]);
  });

  test("text with tabs, line ends, backslashes and NUL arrives as it is, without the NUL", async () => {
    const rows = [product("1", "5.00", 1, { name: "a\tb\\N\nc\r\0d", manufacturerName: "\\." })];
    await load(messagesOf({ name: fileName("Price", "001", "202608140300"), rows }));
    const { rows: found } = await database.pool.query("SELECT name, manufacturer FROM items");
    expect(found).toEqual([{ name: "a\tb\\N\nc\rd", manufacturer: "\\." }]);
  });
});

describe("delisting", () => {
  test("a full file delists what is older than itself and not in it, and a delta never does", async () => {
    await load(
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
      delta("0400", [["1", "5.50"]]),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.50", "1 2 6.00"]);
    await load(full("0500", [["1", "5.50"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.50", "1 2 6.00 gone@14T02:00"]);
    expect(await history(database.pool)).toEqual([
      "1 1 5.00@14T00:00",
      "1 1 5.50@14T01:00",
      "1 2 6.00@14T00:00",
      "1 2 -@14T02:00",
    ]);
  });

  test("a full file delists nothing before its last batch has come, whatever the order of its batches", async () => {
    await load(
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
        ["3", "7.00"],
      ]),
    );
    const batches = full(
      "0500",
      [
        ["1", "5.00"],
        ["2", "6.00"],
      ],
      { batchRows: 1 },
    );
    await load(batches.slice(1));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00", "1 3 7.00"]);
    await load(batches.slice(0, 1));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00", "1 3 7.00 gone@14T02:00"]);
  });

  test("an older row that arrives after a full file arrives delisted", async () => {
    await load(full("0500", [["1", "5.00"]]), delta("0400", [["2", "6.00"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00 gone@14T02:00"]);
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T02:00", "1 2 6.00@14T01:00", "1 2 -@14T02:00"]);
  });

  test("an item that comes back at the same price is current again, with a point for its return", async () => {
    await load(
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
      full("0500", [["1", "5.00"]]),
      delta("0700", [["2", "6.00"]]),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00"]);
    expect(await history(database.pool)).toEqual([
      "1 1 5.00@14T00:00",
      "1 2 6.00@14T00:00",
      "1 2 -@14T02:00",
      "1 2 6.00@14T04:00",
    ]);
  });

  test("a rejected row counts as seen: its item keeps its price and is not delisted", async () => {
    const rejected = [{ line: 2, reason: "price is not a number", raw: "<x/>", code: "2" }];
    await load(
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
      full("0500", [["1", "5.00"]], { rejected }),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00"]);
    expect(await lines(database.pool, "SELECT concat_ws(' ', line, reason, raw) AS line FROM rejected_rows")).toEqual([
      "2 price is not a number <x/>",
    ]);
    await load(full("0700", [["1", "5.00"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.00 gone@14T04:00"]);
  });

  test("a rejected row of a newer file that comes first still counts as seen, and hides no price", async () => {
    const rejected = [{ line: 2, reason: "price is not a number", raw: "<x/>", code: "2" }];
    await load(
      full("0500", [["1", "5.00"]], { rejected }),
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
      delta("0400", [["2", "6.50"]]),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00", "1 2 6.50"]);
  });

  test("a truncated full file updates prices and delists nothing, and the ledger says why", async () => {
    await load(
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
    );
    const result = await apply(database.pool, full("0500", [["1", "5.50"]], { complete: false }));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.50", "1 2 6.00"]);
    expect(result.suspicious.map((file) => file.reason)).toEqual([
      "nothing is delisted by this full file: it is cut short or broken after 1 rows",
    ]);
  });
});

describe("history", () => {
  test("files in published order leave exactly the points where a price changed, however they are grouped", async () => {
    const files = [
      full("0300", [
        ["1", "5.00"],
        ["2", "6.00"],
      ]),
      delta("0400", [["1", "5.50"]]),
      delta("0500", [["1", "5.50"]]),
      full("0600", [["1", "5.00"]]),
      delta("0700", [["2", "6.00"]]),
    ];
    const expected = [
      "1 1 5.00@14T00:00",
      "1 1 5.50@14T01:00",
      "1 1 5.00@14T03:00",
      "1 2 6.00@14T00:00",
      "1 2 -@14T03:00",
      "1 2 6.00@14T04:00",
    ];
    await load(files.flat());
    expect(await history(database.pool)).toEqual(expected);
    await emptyTables(database.pool);
    await load(...files);
    expect(await history(database.pool)).toEqual(expected);
    await emptyTables(database.pool);
    await load(files.slice(0, 2).flat(), files.slice(2, 5).flat());
    expect(await history(database.pool)).toEqual(expected);
  });

  test("a late file adds its own point and hands back to the old price at the newest sighting", async () => {
    await load(delta("0300", [["1", "5.00"]]), delta("0700", [["1", "5.00"]]), delta("0500", [["1", "6.00"]]));
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T00:00", "1 1 6.00@14T02:00", "1 1 5.00@14T04:00"]);
  });

  test("a late file hands back to the old price at the next trusted full file", async () => {
    await load(
      full("0300", [["1", "5.00"]]),
      full("0600", [["1", "5.00"]]),
      delta("0900", [["1", "5.00"]]),
      delta("0500", [["1", "6.00"]]),
    );
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T00:00", "1 1 6.00@14T02:00", "1 1 5.00@14T03:00"]);
  });

  test("a late file takes away the point after it that it makes redundant", async () => {
    await load(delta("0300", [["1", "5.00"]]), delta("0700", [["1", "6.00"]]), delta("0500", [["1", "6.00"]]));
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T00:00", "1 1 6.00@14T02:00"]);
  });

  test("a late file that changes nothing leaves no point", async () => {
    await load(delta("0300", [["1", "5.00"]]), delta("0700", [["1", "6.00"]]), delta("0500", [["1", "5.00"]]));
    expect(await history(database.pool)).toEqual(["1 1 5.00@14T00:00", "1 1 6.00@14T04:00"]);
  });

  test("of two files of one minute the later version holds the point", async () => {
    const twice = [full("0300", [["1", "5.00"]]), delta("0300", [["1", "6.00"]])] as const;
    await load(...twice);
    expect(await history(database.pool)).toEqual(["1 1 6.00@14T00:00"]);
    await emptyTables(database.pool);
    await load(twice[1], twice[0]);
    expect(await history(database.pool)).toEqual(["1 1 6.00@14T00:00"]);
    expect(await currentPrices(database.pool)).toEqual(["1 1 6.00"]);
  });

  test("months end at UTC midnight and every point lies in the partition of its month", async () => {
    const name = (stamp: string) => fileName("Price", "001", stamp);
    // 1 September 01:00 in Israel is still August in UTC.
    await load(
      messagesOf({ name: name("202609010100"), rows: [product("1", "5.00", 1)] }),
      messagesOf({ name: name("202609010300"), rows: [product("1", "6.00", 1)] }),
    );
    expect(
      await lines(
        database.pool,
        "SELECT concat_ws(' ', tableoid::regclass, price) AS line FROM price_history ORDER BY valid_from",
      ),
    ).toEqual(["price_history_2026_08 5.00", "price_history_2026_09 6.00"]);
  });
});
