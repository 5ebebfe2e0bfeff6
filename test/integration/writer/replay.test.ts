import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { InvalidMessageError } from "../../../shared/contracts/validation.ts";
import { recordDownloaded } from "../../../shared/database/ledger.ts";
import { PermanentError } from "../../../shared/errors.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, currentPrices, emptyTables, exported, history, lines } from "./loading.ts";
import { fileName, identityOf, messagesOf, product, promotion } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const name = fileName("PriceFull", "001", "202608140300");
const full = (rows: [string, string][], more = {}) =>
  messagesOf({ name, rows: rows.map(([code, price], at) => product(code, price, at + 1)), ...more });
const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};

describe("a newer parser version", () => {
  test("reloads a file whole: its rows replace those of the older one, and what it no longer reads is gone", async () => {
    await load(
      full([
        ["1", "5.00"],
        ["2", "6.00"],
        ["3", "7.00"],
      ]),
      full(
        [
          ["1", "0.50"],
          ["2", "6.00"],
        ],
        { parserVersion: 2 },
      ),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 0.50", "1 2 6.00", "1 3 7.00 gone@14T00:00"]);
    expect(await history(database.pool)).toContain("1 1 0.50@14T00:00");
  });

  test("wins with an earlier row of the file too", async () => {
    await load(
      full([
        ["1", "5.00"],
        ["1", "6.00"],
      ]),
      full([["1", "7.00"]], { parserVersion: 2 }),
    );
    expect(await currentPrices(database.pool)).toEqual(["1 1 7.00"]);
  });

  test("makes later batches of an older one count for nothing", async () => {
    const old = full(
      [
        ["1", "5.00"],
        ["2", "6.00"],
      ],
      { batchRows: 1 },
    );
    await load(
      old.slice(0, 1),
      full(
        [
          ["1", "0.50"],
          ["2", "0.60"],
        ],
        { parserVersion: 2 },
      ),
    );
    const result = await apply(database.pool, old);
    expect(result).toMatchObject({ batchesApplied: 0, batchesSkipped: 2 });
    expect(await currentPrices(database.pool)).toEqual(["1 1 0.50", "1 2 0.60"]);
  });

  test("replaces rejected rows and promotions as well", async () => {
    const promo = (description: string, more = {}) =>
      messagesOf({
        name: fileName("PromoFull", "001", "202608140300"),
        rows: [promotion("P1", 1, { description })],
        ...more,
      });
    const rejected = [{ line: 9, reason: "bad", raw: "x", code: "P2" }];
    await load(promo("old", { rejected }), promo("new", { parserVersion: 2 }));
    expect(await lines(database.pool, "SELECT description AS line FROM promotions")).toEqual(["new"]);
    expect(await lines(database.pool, "SELECT reason AS line FROM rejected_rows")).toEqual([]);
  });
});

describe("the ledger", () => {
  const row = () =>
    lines(
      database.pool,
      "SELECT concat_ws(' ', status, complete, rows_read, rows_rejected, batch_count, loaded_at IS NOT NULL) AS line FROM files",
    );

  test("a file is loaded when the last of its batches is in, with the counts of the file", async () => {
    const batches = full(
      [
        ["1", "5.00"],
        ["2", "6.00"],
        ["3", "7.00"],
      ],
      { batchRows: 1 },
    );
    await load(batches.slice(1));
    expect(await row()).toEqual(["downloaded t 3 0 3 f"]);
    await load(batches.slice(0, 1));
    expect(await row()).toEqual(["loaded t 3 0 3 t"]);
  });

  test("a row that is lost comes back from the messages, and everything known points at it", async () => {
    await load(full([["1", "5.00"]]));
    const before = await exported(database.pool);
    await emptyTables(database.pool);
    await load(full([["1", "5.00"]]));
    expect(await exported(database.pool)).toEqual(before);
  });

  test("a replay of a loaded file brings it back to loaded though every batch was seen before", async () => {
    await load(full([["1", "5.00"]]));
    const facts = {
      objectUri: "s3://b/k",
      sha256: "0".repeat(64),
      sizeBytes: 1,
      etag: "e",
      downloadedAt: "2026-08-14T03:00:00Z",
      sourceUrl: "",
    };
    await recordDownloaded(database.pool, identityOf(name), facts, true);
    expect(await row()).toEqual([expect.stringMatching(/^downloaded/)]);
    expect(await apply(database.pool, full([["1", "5.00"]]))).toMatchObject({
      batchesApplied: 0,
      filesLoaded: [identityOf(name).fileId],
    });
    expect(await row()).toEqual([expect.stringMatching(/^loaded/)]);
  });

  test("a revision of a known name is a file of its own, newer than the one before", async () => {
    await load(full([["1", "6.00"]], { revision: 1 }), full([["1", "5.00"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 6.00"]);
    expect(await lines(database.pool, "SELECT revision::text AS line FROM files ORDER BY revision")).toEqual([
      "0",
      "1",
    ]);
  });
});

describe("bad messages", () => {
  test.each([
    ["no object", null],
    ["another shape", { fileType: "price", items: "none" }],
    ["no file type", { items: [] }],
  ])("%s is refused", async (_what, message) => {
    await expect(apply(database.pool, [message])).rejects.toThrow(InvalidMessageError);
  });

  test("a price file that names no store is refused", async () => {
    const messages = full([["1", "5.00"]]).map((message) => ({ ...message, storeId: null }));
    await expect(apply(database.pool, messages)).rejects.toThrow(/names no store/);
  });

  test("a value that no column takes loses its whole call, says where, and loads nothing", async () => {
    const bad = messagesOf({ name, rows: [product("1", "5.00", 1, { updatedAt: "2026-99-99T00:00:00+03:00" })] });
    const attempt = apply(database.pool, bad);
    await expect(attempt).rejects.toThrow(PermanentError);
    await expect(attempt).rejects.toThrow(/the database refused a value in batch 0 of PriceFull/);
    expect(await lines(database.pool, "SELECT 'x' AS line FROM batches")).toEqual([]);
    await load(full([["1", "5.00"]]));
    expect(await currentPrices(database.pool)).toEqual(["1 1 5.00"]);
  });
});
