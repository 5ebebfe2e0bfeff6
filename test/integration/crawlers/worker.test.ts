import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LayoutNotRecognisedError, RetryableError } from "../../../shared/errors.ts";
import type { ListedFile } from "../../../shared/contracts/portal-family.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";
import { crawl, familyOf, FileBus, listedAs, nameOf } from "./helpers/crawl.ts";

let database: TestDatabase;
let bus: FileBus;
beforeEach(async () => {
  database = await createTestDatabase();
  bus = new FileBus();
});
afterEach(() => database.drop());

const never = () => new Promise<never>(() => undefined);
const states = async () => {
  const { rows } = await database.pool.query<{ chain: string; state: string }>(
    "SELECT chain, state FROM chain_listings",
  );
  return Object.fromEntries(rows.map((row) => [row.chain, row.state]));
};

test("dead, slow and changed portals never hold up the others, and each has its own state in the ledger", async () => {
  const chainList = ["hangs", "fails-late", "changed", "empty", "good"].map((key) => chainOn("written", { key }));
  async function* pages(chain: { key: string }): AsyncGenerator<ListedFile[]> {
    if (chain.key === "hangs") await never();
    if (chain.key === "changed") throw new LayoutNotRecognisedError("no table");
    if (chain.key === "empty") return;
    yield [listedAs(nameOf(1))];
    if (chain.key === "fails-late") throw new RetryableError("host x: the connection was cut");
  }
  const summary = await crawl(database.pool, bus, familyOf(pages), {
    chainList: chainList.map((chain, index) => ({ ...chain, chainIds: [String(index + 1)] })),
    listingDeadlineMs: 4000,
    environment: { GOGOBE_CRAWL_CONCURRENCY: "2" },
  }).done;

  expect(await states()).toEqual({
    hangs: "unreachable",
    "fails-late": "unreachable",
    changed: "layout-not-recognised",
    empty: "empty-suspicious",
    good: "found",
  });
  const detail = Object.fromEntries(summary.chains.map((outcome) => [outcome.chain, outcome.detail]));
  expect(detail["hangs"]).toContain("not finished after");
  expect(detail["fails-late"]).toContain("after 1 files");
  expect(
    bus
      .published()
      .map((message) => message.value.chain)
      .toSorted(),
  ).toEqual(["fails-late", "good"]);
});

test("without once every chain is listed again on its interval, until stopped", async () => {
  let listings = 0;
  const family = familyOf(() => {
    listings++;
    return [[listedAs(nameOf(listings))]];
  });
  const crawlers = crawl(database.pool, bus, family, {
    once: false,
    chainList: [chainOn("written", { intervalSeconds: 0.05 })],
  });
  await vi.waitFor(() => expect(bus.names().length).toBeGreaterThanOrEqual(3), 10_000);
  await crawlers.stop();
  const after = listings;
  const summary = await crawlers.done;
  expect(summary.chains).toHaveLength(1);
  expect(listings).toBe(after);
  expect(new Set(bus.names()).size).toBe(bus.names().length);
});

test("stop ends a listing under way, publishes what it had found and says nothing of the portal", async () => {
  const family = familyOf(async function* () {
    yield [listedAs(nameOf(1))];
    await never();
  });
  const crawlers = crawl(database.pool, bus, family);
  await vi.waitFor(async () => expect((await database.pool.query("SELECT 1 FROM files")).rowCount).toBe(1), 10_000);
  await crawlers.stop();
  expect((await crawlers.done).chains[0]).toMatchObject({ state: "stopped", published: 1 });
  expect(bus.names()).toEqual([nameOf(1)]);
  expect(await states()).toEqual({});
});

test("a database that fails is an error of the run, not a state of the portal", async () => {
  await database.pool.query("ALTER TABLE files RENAME TO files_away");
  await expect(
    crawl(
      database.pool,
      bus,
      familyOf(() => [[listedAs(nameOf(1))]]),
    ).done,
  ).rejects.toThrow(/files/);
  expect(await states()).toEqual({});
});
