import { afterEach, beforeEach, expect, test } from "vitest";
import { sweep } from "../../../crawlers/sweep.ts";
import { fileDiscovered, fileDownloaded } from "../../../shared/contracts/file-messages.ts";
import { TOPICS } from "../../../shared/contracts/topics.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";
import { crawl, depsOf, familyOf, FileBus, listedAs, nameOf } from "./helpers/crawl.ts";

let database: TestDatabase;
let bus: FileBus;

const STATES = ["discovered", "downloaded", "parsed", "loaded", "quarantined", "failed"];

/** One file in every state, all of them unchanged for 1000 seconds; what was published so far is forgotten. */
beforeEach(async () => {
  database = await createTestDatabase();
  await crawl(
    database.pool,
    new FileBus(),
    familyOf(() => [STATES.map((_, store) => listedAs(nameOf(store)))]),
  ).done;
  for (const [store, status] of STATES.entries()) {
    await database.pool.query(
      `UPDATE files SET status = $2, changed_at = now() - interval '1000 seconds',
        object_uri = 's3://gogobe-raw/invented/2026-01-13/' || file_name, sha256 = repeat('a', 64), size_bytes = 123,
        etag = '"e"', downloaded_at = '2026-01-13T10:00:00Z' WHERE file_name = $1`,
      [nameOf(store), status],
    );
  }
  bus = new FileBus();
});
afterEach(() => database.drop());

const run = (sweepSeconds: number) => sweep(depsOf(database.pool, bus, [chainOn("written")]), { sweepSeconds });

test("files stuck in an unfinished state are published again where they stand, once per period", async () => {
  expect(await run(900)).toEqual({ fromOutbox: 0, revived: { discovered: 1, downloaded: 1, parsed: 1 } });
  expect(bus.published().map(({ topic, value }) => [topic, value.fileName])).toEqual([
    [TOPICS.discovered, nameOf(0)],
    [TOPICS.downloaded, nameOf(1)],
    [TOPICS.downloaded, nameOf(2)],
  ]);
  expect(await run(900)).toEqual({ fromOutbox: 0, revived: {} });
});

test("the messages are complete: valid, with the object and its hash, and no signature", async () => {
  await run(900);
  const [discovered, downloaded] = bus.published();
  expect(fileDiscovered.parse(discovered?.value).url).toBe(`http://portal.test/f/${nameOf(0)}`);
  expect(fileDownloaded.parse(downloaded?.value)).toMatchObject({
    s3_path: `s3://gogobe-raw/invented/2026-01-13/${nameOf(1)}`,
    sha256: "a".repeat(64),
    sizeBytes: 123,
    etag: '"e"',
    publishedAt: "2026-01-13T03:00:00+02:00",
    downloadedAt: "2026-01-13T12:00:00+02:00",
  });
});

test("files that moved lately are left alone", async () => {
  expect(await run(1100)).toEqual({ fromOutbox: 0, revived: {} });
});

test("while a stage has messages waiting its files are given longer, so that a long queue does not feed itself", async () => {
  bus.backlog = 5000;
  expect(await run(900)).toEqual({ fromOutbox: 0, revived: {} });
  expect(await run(100)).toMatchObject({ revived: { discovered: 1, downloaded: 1, parsed: 1 } });
});

test("two sweeps at once revive a file once", async () => {
  await Promise.all([run(900), run(900)]);
  expect(bus.published()).toHaveLength(3);
});

test("a file that the ledger holds unpublished goes out through the sweep", async () => {
  await database.pool.query("UPDATE files SET enqueued_at = NULL, changed_at = now() WHERE status = 'discovered'");
  expect(await run(900)).toMatchObject({ fromOutbox: 1 });
});
