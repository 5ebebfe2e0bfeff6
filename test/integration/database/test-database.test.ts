import { afterAll, expect, test } from "vitest";
import { createTestDatabase } from "../../helpers/database.ts";

const first = await createTestDatabase();
const second = await createTestDatabase();
afterAll(() => Promise.all([first.drop(), second.drop()]));

test("a test database has the schema, no rows, and nothing in common with another", async () => {
  await first.pool.query("INSERT INTO chains VALUES ('a', '1', 'A', 'p', 'active')");
  expect((await first.pool.query("SELECT chain FROM chains")).rows).toEqual([{ chain: "a" }]);
  expect((await second.pool.query("SELECT chain FROM chains")).rows).toEqual([]);
});
