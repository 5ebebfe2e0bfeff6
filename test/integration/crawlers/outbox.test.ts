import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileDiscovered } from "../../../shared/contracts/file-messages.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";
import { crawl, familyOf, FileBus, listedAs, nameOf } from "./helpers/crawl.ts";

let database: TestDatabase;
beforeEach(async () => void (database = await createTestDatabase()));
afterEach(() => database.drop());

const ledger = async () => {
  const { rows } = await database.pool.query<Record<string, unknown>>("SELECT * FROM files ORDER BY version");
  return rows;
};

test("a listed file is written into the ledger without its signature and published once with its fresh link", async () => {
  const bus = new FileBus();
  const family = familyOf(() => [[listedAs(nameOf(1))], [listedAs(nameOf(1)), listedAs(nameOf(2))]]);
  const first = await crawl(database.pool, bus, family).done;
  expect(first).toMatchObject({ filesListed: 2, filesNew: 2, published: 2 });
  expect(await crawl(database.pool, bus, family).done).toMatchObject({ filesListed: 2, filesNew: 0, published: 0 });

  const [message] = bus.published();
  expect(bus.names()).toEqual([nameOf(1), nameOf(2)]);
  expect(message).toMatchObject({ topic: "gogobe.files.discovered", key: "invented:7290000000001:1" });
  expect(fileDiscovered.parse(message?.value)).toMatchObject({
    chain: "invented",
    url: `http://portal.test/f/${nameOf(1)}?sig=secret`,
    storeId: "001",
    fileType: "price-full",
    publishedAt: "2026-01-13T03:00:00+02:00",
    sizeBytes: 100,
    revision: 0,
  });
  const [row] = await ledger();
  expect(row).toMatchObject({
    file_id: message?.value.fileId,
    version: message?.value.version,
    status: "discovered",
    source_url: `http://portal.test/f/${nameOf(1)}`,
    listed_size: "100",
    enqueued_at: expect.any(Date),
  });
  expect(JSON.stringify(await ledger())).not.toContain("secret");
});

test("files of one listing are published in the order of their versions, however the portal lists them", async () => {
  const bus = new FileBus();
  const names = [nameOf(1, "0900", "Price"), nameOf(1, "0300"), nameOf(2, "0400"), nameOf(1, "0300", "Price")];
  await crawl(
    database.pool,
    bus,
    familyOf(() => names.map((name) => [listedAs(name)])),
  ).done;
  expect(bus.names()).toEqual([nameOf(1, "0300"), nameOf(1, "0300", "Price"), nameOf(2, "0400"), names[0]]);
});

test("names that are unknown or unsafe are counted and lose nothing else", async () => {
  const bus = new FileBus();
  const family = familyOf(() => [[listedAs("../../etc/passwd"), listedAs("report.pdf"), listedAs(nameOf(1))]]);
  const { chains } = await crawl(database.pool, bus, family).done;
  expect(chains[0]).toMatchObject({ state: "found", filesListed: 1, unknownNames: 2 });
  expect(chains[0]?.detail).toContain("etc/passwd");
  expect(bus.names()).toEqual([nameOf(1)]);
});

test("old leftovers stay out by default, and latest keeps the newest of a store", async () => {
  const bus = new FileBus();
  const leftover = "PriceFull7290000000001-001-201506221435.gz";
  const family = familyOf(() => [[listedAs(leftover), listedAs(nameOf(1, "0300")), listedAs(nameOf(1, "0900"))]]);
  await crawl(database.pool, bus, family, { filter: { latest: true } }).done;
  expect(bus.names()).toEqual([nameOf(1, "0900")]);
  await crawl(database.pool, bus, family).done;
  expect(bus.names()).toEqual([nameOf(1, "0900"), nameOf(1, "0300")]);
});

test("two crawlers over the same portal publish every file once between them", async () => {
  const bus = new FileBus();
  const names = Array.from({ length: 1200 }, (_, index) => nameOf(index));
  const family = familyOf(() => [names.map((name) => listedAs(name))]);
  await Promise.all([crawl(database.pool, bus, family).done, crawl(database.pool, bus, family).done]);
  expect(bus.names().toSorted()).toEqual(names.toSorted());
});

test("an old source beside the new one, with the same chain id, brings no file twice", async () => {
  const bus = new FileBus();
  const family = familyOf(() => [[listedAs(nameOf(1))]]);
  const chainList = [chainOn("written"), chainOn("written", { key: "invented-old", status: "retired" })];
  await crawl(database.pool, bus, family, { chainList, chains: ["invented"] }).done;
  const again = await crawl(database.pool, bus, family, { chainList, chains: ["invented-old"] }).done;
  expect(again).toMatchObject({ filesListed: 1, filesNew: 0, published: 0 });
  expect(await ledger()).toHaveLength(1);
});

test.each([
  { failpoint: "crawler:ledger-written", before: 0, where: "between the ledger and the bus" },
  { failpoint: "crawler:published", before: 3, where: "between the bus and the mark" },
])("a crash $where loses nothing", async ({ failpoint, before }) => {
  const bus = new FileBus();
  const child = spawn(process.execPath, [join(import.meta.dirname, "helpers/crawl-once.ts")], {
    env: { ...process.env, GOGOBE_FAILPOINT: failpoint, TEST_DATABASE_URL: database.url, TEST_BUS: bus.path },
    stdio: "inherit",
  });
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL");
  expect(await ledger()).toHaveLength(3);
  expect(bus.published()).toHaveLength(before);

  // The portal lists nothing any more: only the outbox can know of them.
  await crawl(
    database.pool,
    bus,
    familyOf(() => []),
  ).done;
  expect(new Set(bus.names())).toEqual(new Set([nameOf(1), nameOf(2), nameOf(3)]));
  expect((await ledger()).every((row) => row["enqueued_at"] !== null)).toBe(true);
  const after = bus.names().length;
  await crawl(
    database.pool,
    bus,
    familyOf(() => []),
  ).done;
  expect(bus.names()).toHaveLength(after);
});

test("what a crash left behind goes out at the next start, before any listing, with the ledger's address", async () => {
  const family = familyOf(() => [[listedAs(nameOf(1))]]);
  await crawl(database.pool, new FileBus(), family).done;
  await database.pool.query("UPDATE files SET enqueued_at = NULL");
  const bus = new FileBus();
  const seen: string[][] = [];
  const watching = familyOf(() => {
    seen.push(bus.names());
    return [[listedAs(nameOf(1))]];
  });
  await crawl(database.pool, bus, watching).done;
  expect(seen).toEqual([[nameOf(1)]]);
  expect(bus.published().map((message) => message.value.url)).toEqual([`http://portal.test/f/${nameOf(1)}`]);
});
