import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, currentPrices, history } from "./readings.ts";
import { fileName, messagesOf, product } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe("prices", () => {
  test("a full file loads its prices, items, masters, links and history", async () => {
    const rows = [product("7290000000013", "12.90", 1), product("55", "3.00", 2)];
    const result = await apply(database.pool, messagesOf({ name: fileName("PriceFull", "001", "202608140300"), rows }));
    expect(result.filesLoaded).toHaveLength(1);
    expect(await currentPrices(database.pool)).toEqual(["1 55 3.00", "1 7290000000013 12.90"]);
    expect(await history(database.pool)).toEqual([
      "1 55 3.00@2026-08-14T00:00",
      "1 7290000000013 12.90@2026-08-14T00:00",
    ]);
  });
});
