import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListedFile } from "../../../shared/contracts/portal-family.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { crawl, familyOf, FileBus, listedAs, nameOf } from "./helpers/crawl.ts";

let database: TestDatabase;
let bus: FileBus;
beforeEach(async () => {
  database = await createTestDatabase();
  bus = new FileBus();
});
afterEach(() => database.drop());

const list = (overrides: Partial<ListedFile>) =>
  crawl(
    database.pool,
    bus,
    familyOf(() => [[listedAs(nameOf(1), overrides)]]),
  ).done;
const downloaded = () =>
  database.pool.query("UPDATE files SET status = 'loaded', size_bytes = coalesce(size_bytes, 100)");
const revisions = async () => {
  const { rows } = await database.pool.query<{
    revision: number;
    listed_size: string | null;
    listed_at: string | null;
  }>("SELECT revision, listed_size, listed_at FROM files ORDER BY revision");
  return rows.map((row) => [row.revision, row.listed_size, row.listed_at]);
};

describe("a known name that is listed with", () => {
  test.each([
    ["another size", { sizeBytes: 120 }, [1, "120", "1"]],
    ["another time", { listedAt: "2" }, [1, "100", "2"]],
  ])("%s becomes a candidate revision, once", async (_, change, candidate) => {
    await list({});
    await downloaded();
    expect(await list(change)).toMatchObject({ filesNew: 1, published: 1 });
    expect(await list(change)).toMatchObject({ filesNew: 0, published: 0 });
    await downloaded();
    expect(await list(change)).toMatchObject({ filesNew: 0, published: 0 });
    expect(await revisions()).toEqual([[0, "100", "1"], candidate]);

    const [first, second] = bus.published();
    expect(second?.value).toMatchObject({ revision: 1, fileName: nameOf(1) });
    expect(second?.value.fileId).not.toBe(first?.value.fileId);
    expect(second && first && second.value.version > first.value.version).toBe(true);
  });

  test("the same size and time, or none, stays as it is", async () => {
    await list({});
    await downloaded();
    await list({});
    await list({ sizeBytes: null, listedAt: null });
    expect(await revisions()).toEqual([[0, "100", "1"]]);
    expect(bus.published()).toHaveLength(1);
  });

  test("a size for the first time has it remembered, and compared with the bytes that were stored", async () => {
    await list({ sizeBytes: null, listedAt: null });
    await downloaded();
    await list({ sizeBytes: 100, listedAt: "5" });
    expect(await revisions()).toEqual([[0, "100", "5"]]);

    await database.pool.query("UPDATE files SET listed_size = NULL, listed_at = NULL");
    await list({ sizeBytes: 250, listedAt: null });
    expect(await revisions()).toEqual([
      [0, null, null],
      [1, "250", null],
    ]);
  });

  test("another size before it was fetched needs no revision yet, and is not forgotten", async () => {
    await list({});
    await list({ sizeBytes: 120 });
    expect(await revisions()).toEqual([[0, "100", "1"]]);
    await downloaded();
    await list({ sizeBytes: 120 });
    expect(await revisions()).toHaveLength(2);
  });

  test("a revision that the downloader proved to be the same bytes is not made again", async () => {
    await list({});
    await downloaded();
    await list({ listedAt: "2" });
    // What the downloader does with a candidate of equal bytes.
    await database.pool.query("DELETE FROM files WHERE revision = 1");
    await database.pool.query("UPDATE files SET listed_at = '2'");
    expect(await list({ listedAt: "2" })).toMatchObject({ filesNew: 0 });
    expect(await list({ listedAt: "3" })).toMatchObject({ filesNew: 1 });
  });
});
