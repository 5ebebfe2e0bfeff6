import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../../../shared/errors.ts";
import { confirmFullFile } from "../../../writer/confirm.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, currentPrices, emptyTables, history, lines, testDeps } from "./loading.ts";
import { applyBatches } from "../../../writer/apply.ts";
import { fileName, messagesOf, product } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const nameAt = (hour: string) => fileName("PriceFull", "001", `20260814${hour}`);
/** A full file with the items 1 to `count`. */
const full = (hour: string, count: number, more = {}) =>
  messagesOf({
    name: nameAt(hour),
    rows: Array.from({ length: count }, (_, index) => product(String(index + 1), "5.00", index + 1)),
    ...more,
  });
const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};
const listed = async () => (await currentPrices(database.pool)).filter((line) => !line.includes("gone")).length;
const errors = () =>
  lines(
    database.pool,
    "SELECT concat_ws(' ', file_name, error) AS line FROM files WHERE error IS NOT NULL ORDER BY version",
  );
const goneAt = () =>
  lines(
    database.pool,
    "SELECT DISTINCT to_char(delisted_at AT TIME ZONE 'UTC', 'HH24:MI') AS line FROM prices WHERE delisted_at IS NOT NULL",
  );

describe("trust in full files", () => {
  test("an empty full file after a full one delists nothing and is flagged for a person", async () => {
    const deps = testDeps();
    await load(full("0300", 4));
    const result = await applyBatches(database.pool, full("0500", 0), deps);
    expect(await listed()).toBe(4);
    expect(result.suspicious).toHaveLength(1);
    expect(await deps.metrics.registry.getSingleMetricAsString("gogobe_suspicious_files_total")).toContain(
      'chain="testmart"} 1',
    );
    expect(await errors()).toEqual([
      expect.stringMatching(
        /^PriceFull\S+202608140500.gz nothing is delisted by this full file: it has 0 rows where the one before had 4\. .*gogobe files confirm/,
      ),
    ]);
  });

  test("a full file that lost more than half of its rows delists nothing", async () => {
    await load(full("0300", 5), full("0500", 2));
    expect(await listed()).toBe(5);
    expect(await errors()).toHaveLength(1);
  });

  test("a full file that lost half of its rows and no more delists", async () => {
    await load(full("0300", 4), full("0500", 2));
    expect(await listed()).toBe(2);
    expect(await errors()).toEqual([]);
  });

  test("a small full file followed by another like it delists at its own time, and the flag goes", async () => {
    await load(full("0300", 5), full("0500", 2), full("0700", 2));
    expect(await listed()).toBe(2);
    expect(await goneAt()).toEqual(["02:00"]);
    expect(await errors()).toEqual([]);
  });

  test("two empty full files in a row delist everything", async () => {
    await load(full("0300", 2), full("0500", 0), full("0700", 0));
    expect(await listed()).toBe(0);
    expect(await goneAt()).toEqual(["02:00"]);
    expect(await history(database.pool)).toEqual([
      "1 1 5.00@14T00:00",
      "1 1 -@14T02:00",
      "1 2 5.00@14T00:00",
      "1 2 -@14T02:00",
    ]);
  });

  test("a small full file followed by one of the old size stays without effect", async () => {
    await load(full("0300", 5), full("0500", 2), full("0700", 5));
    expect(await listed()).toBe(5);
    expect(await goneAt()).toEqual([]);
    expect(await errors()).toHaveLength(1);
  });

  test("a truncated full file does not count as the one before", async () => {
    await load(full("0300", 5), full("0400", 1, { complete: false }), full("0500", 2));
    expect(await listed()).toBe(5);
    expect(await errors()).toHaveLength(2);
  });

  test("a store's first full file is not flagged, even when it is empty", async () => {
    await load(full("0300", 0));
    expect(await errors()).toEqual([]);
    expect(await lines(database.pool, "SELECT file_id::text AS line FROM store_snapshots")).toEqual([]);
  });

  test("trust does not depend on the order of arrival: a late file can take a delisting back", async () => {
    // 2 rows after 3 are trusted; 2 rows after the 5 that come late are not.
    await load(full("0300", 3), full("0700", 2));
    expect(await listed()).toBe(2);
    await load(full("0500", 5));
    expect(await listed()).toBe(5);
    expect(await goneAt()).toEqual([]);
    expect(await history(database.pool)).not.toContainEqual(expect.stringContaining("-@"));
    expect(await errors()).toHaveLength(1);
  });

  test("a full file that arrives late moves a delisting to its own, earlier time", async () => {
    await load(full("0300", 3), full("0700", 2), full("0500", 2));
    expect(await goneAt()).toEqual(["02:00"]);
    expect(await history(database.pool)).toContain("1 3 -@14T02:00");
    expect(await history(database.pool)).not.toContain("1 3 -@14T04:00");
  });

  test("store_snapshots names the newest full file that is trusted", async () => {
    await load(full("0300", 5), full("0500", 4), full("0700", 1), full("0600", 2, { complete: false }));
    expect(
      await lines(
        database.pool,
        "SELECT concat_ws(' ', kind, file_name) AS line FROM store_snapshots JOIN files USING (file_id)",
      ),
    ).toEqual([`price ${nameAt("0500")}`]);
  });
});

describe("confirming a suspicious full file", () => {
  test("a person's word lets it delist, by name or by id, and takes the flag away", async () => {
    await load(full("0300", 5), full("0500", 2));
    const confirmation = await confirmFullFile(database.pool, nameAt("0500"));
    expect(confirmation).toMatchObject({ fileName: nameAt("0500"), changed: true });
    expect(await listed()).toBe(2);
    expect(await goneAt()).toEqual(["02:00"]);
    expect(await errors()).toEqual([]);
    expect(await confirmFullFile(database.pool, confirmation.fileId)).toMatchObject({ changed: false });
  });

  test.each([
    ["an unknown name", "PriceFull1-1-202608140300.gz", /no file .* in the ledger/],
    ["a delta", fileName("Price", "001", "202608140400"), /no full file/],
    ["a file cut short", nameAt("0500"), /cut short/],
  ])("%s is refused with the reason", async (_what, file, reason) => {
    await load(
      full("0300", 5),
      full("0500", 2, { complete: false }),
      messagesOf({ name: fileName("Price", "001", "202608140400"), rows: [product("1", "5.00", 1)] }),
    );
    await expect(confirmFullFile(database.pool, file)).rejects.toThrow(UsageError);
    await expect(confirmFullFile(database.pool, file)).rejects.toThrow(reason);
  });

  test("a file of which a batch is missing is refused", async () => {
    await load(full("0300", 5), full("0500", 2, { batchRows: 1 }).slice(1));
    await expect(confirmFullFile(database.pool, nameAt("0500"))).rejects.toThrow(/not loaded yet/);
  });
});
