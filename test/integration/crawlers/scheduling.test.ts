import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { builtInFamilies } from "../../../crawlers/portals/index.ts";
import { type CrawlOptions, startCrawlers } from "../../../crawlers/worker.ts";
import type { Chain } from "../../../shared/contracts/chain.ts";
import { LayoutNotRecognisedError } from "../../../shared/errors.ts";
import type { NetSettings } from "../../../shared/net/net-settings.ts";
import { createPortalAccess } from "../../../shared/net/portal-access.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { afterFirstRound, listingsPerChain, quantile, runRegistry } from "../../bench/crawl-registry.ts";
import { startCerberus } from "../../fake-portals/cerberus.ts";
import { answers, type Hostility, startHostileHttp, tablePage } from "../../fake-portals/hostile-http.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";
import { crawl, depsOf, familyOf, FileBus, listedAs, nameOf, NOW } from "./helpers/crawl.ts";

let database: TestDatabase;
let bus: FileBus;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
  bus = new FileBus();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await database.drop();
});

const drops: Hostility = (request) => void request.socket.destroy();

/** The real crawlers over a real network, with short times. */
function crawlPortals(chains: Chain[], settings: Partial<NetSettings>, options: Partial<CrawlOptions> = {}) {
  const metrics = createMetrics();
  const deps = { ...depsOf(database.pool, bus, chains), metrics };
  const access = createPortalAccess({ db: database.pool, log: deps.log, metrics, settings });
  const crawlers = startCrawlers(
    { ...deps, access, families: builtInFamilies() },
    { filter: {}, once: false, now: () => NOW, ...options },
  );
  closers.push(
    () => access.close(),
    () => crawlers.stop(),
  );
  return { crawlers, access, metrics };
}

function chainAt(baseUrl: string, overrides: Partial<Chain> = {}): Chain {
  return chainOn("netiv-hesed", { baseUrl, allowPrivateHosts: ["127.0.0.1"], intervalSeconds: 0.02, ...overrides });
}

const listingOf = async (chain: string) => {
  const { rows } = await database.pool.query<{ state: string; detail: string | null }>(
    "SELECT state, detail FROM chain_listings WHERE chain = $1",
    [chain],
  );
  return rows[0];
};

test("portals that hang, more of them than places, never keep the others from their intervals", async () => {
  const dead = Array.from({ length: 8 }, (_, index) => `dead-${index}`);
  const good = ["good-a", "good-b", "good-c"];
  const chainList = [...dead, ...good].map((key, index) =>
    chainOn("written", { key, chainIds: [String(index)], intervalSeconds: 0.2 }),
  );
  await database.pool.query(
    `INSERT INTO chain_listings (chain, state, files_listed, files_new, started_at, finished_at)
     SELECT unnest($1::text[]), 'unreachable', 0, 0, now(), now()`,
    [dead],
  );
  const listed = new Map<string, number>();
  let hanging = 0;
  const family = familyOf(async function* ({ key }) {
    if (dead.includes(key)) {
      hanging++;
      await new Promise<never>(() => undefined);
    }
    listed.set(key, (listed.get(key) ?? 0) + 1);
    yield [listedAs(nameOf(1))];
  });
  const environment = { GOGOBE_CRAWL_CONCURRENCY: "2" };
  const crawlers = crawl(database.pool, bus, family, { once: false, chainList, environment });
  closers.push(() => crawlers.stop());
  await vi.waitFor(
    () => expect(Math.min(...good.map((key) => listed.get(key) ?? 0))).toBeGreaterThanOrEqual(4),
    30_000,
  );
  // Those that hang had no more than their own places all the while.
  expect(hanging).toBe(2);
});

test("a host that fails again and again is left alone, which every listing says, and is found again when it is back", async () => {
  let answer = drops;
  const portal = await startHostileHttp({ "*": (request, response) => answer(request, response) });
  closers.push(() => portal.close());
  const times = { circuitFailures: 3, circuitOpenMs: 400, listingAttempts: 2, retryInitialMs: 1, retryMaxMs: 5 };
  const { access } = crawlPortals([chainAt(portal.url)], times);

  await vi.waitFor(
    async () => expect((await listingOf("invented"))?.detail).toMatch(/left alone for \d+ s after 3/),
    20_000,
  );
  expect(await listingOf("invented")).toMatchObject({ state: "unreachable" });
  const before = portal.requests.length;
  const since = Date.now();
  await vi.waitFor(() => expect(Date.now() - since).toBeGreaterThan(1_500), 10_000);
  // Of some fifty listings in that time only those reached it that came as the circuit was half open.
  const allowed = Math.ceil((Date.now() - since) / times.circuitOpenMs) + 1;
  expect(portal.requests.length - before).toBeLessThanOrEqual(allowed);

  answer = answers(tablePage([nameOf(1)]));
  await vi.waitFor(async () => expect((await listingOf("invented"))?.state).toBe("found"), 20_000);
  expect(access.circuits()).toEqual([{ host: new URL(portal.url).host, state: "closed" }]);
  expect(bus.names()).toEqual([nameOf(1)]);
});

test("an account that is refused at every login does not close the host that its chain shares with others", async () => {
  const portal = await startCerberus([], {});
  closers.push(() => portal.close());
  const ftp = { username: "nobody", password: "", path: "/", rejectUnauthorized: false };
  const chain = chainAt(portal.url, { portal: "cerberus", ftp });
  const { access, crawlers } = crawlPortals(
    [chain],
    { circuitFailures: 2, listingAttempts: 3, retryInitialMs: 1 },
    { once: true },
  );
  expect((await crawlers.done).chains).toMatchObject([
    { state: "unreachable", detail: expect.stringContaining("530") },
  ]);
  expect(portal.requests.filter(({ method }) => method === "PASS")).toHaveLength(3);
  expect(access.circuits()).toEqual([{ host: new URL(portal.url).host, state: "closed" }]);
});

test("every state of a listing shows in the metrics, per chain, and only the newest one as the state", async () => {
  let empty = false;
  const family = familyOf(async function* ({ key }) {
    if (key === "gone") throw new LayoutNotRecognisedError("no table");
    if (key === "good" || !empty) yield [listedAs(nameOf(1))];
  });
  const chains = ["gone", "good", "turns"].map((key, index) => chainOn("written", { key, chainIds: [String(index)] }));
  const deps = depsOf(database.pool, bus, chains);
  const run = () =>
    startCrawlers({ ...deps, families: new Map([["written", family]]) }, { filter: {}, once: true, now: () => NOW })
      .done;
  await run();
  empty = true;
  await run();
  const text = await deps.metrics.registry.metrics();
  const value = (line: string) =>
    Number(
      text
        .split("\n")
        .find((candidate) => candidate.startsWith(`${line} `))
        ?.split(" ")[1],
    );
  expect(value('gogobe_listings_total{chain="gone",state="layout-not-recognised"}')).toBe(2);
  expect(value('gogobe_listings_total{chain="good",state="found"}')).toBe(2);
  expect(value('gogobe_listings_total{chain="turns",state="found"}')).toBe(1);
  expect(value('gogobe_listings_total{chain="turns",state="empty-suspicious"}')).toBe(1);
  expect(value('gogobe_listing_state{chain="turns",state="empty-suspicious"}')).toBe(1);
  expect(value('gogobe_listing_state{chain="turns",state="found"}')).toBe(0);
  expect(value('gogobe_listing_state{chain="gone",state="unreachable"}')).toBe(0);
  expect(value("gogobe_listing_late_seconds_count")).toBe(6);
});

describe("a generated registry over real portals, one crawler process,", () => {
  const run = { chains: 100, intervalSeconds: 20, listings: 2, atMostSeconds: 120 };

  test("is listed on its intervals: no chain is left out, none is late by an interval", {
    timeout: 300_000,
  }, async () => {
    const result = await runRegistry({ ...run, databaseUrl: database.url });
    const perChain = listingsPerChain(result.listings);
    const late = afterFirstRound(result.listings).map(({ lateSeconds }) => lateSeconds);
    console.log(
      `${run.chains} chains every ${run.intervalSeconds} s: ${result.listings.length} listings in ${Math.round(result.seconds)} s, late after ` +
        `the first round: p50 ${quantile(late, 0.5).toFixed(2)} s, p99 ${quantile(late, 0.99).toFixed(2)} s; ` +
        `${(result.cpuSeconds / result.seconds).toFixed(2)} of a core, ${Math.round(result.peakMemoryBytes / 1e6)} MB`,
    );
    expect(result.listings.filter(({ state }) => state !== "found")).toEqual([]);
    expect(perChain.size).toBe(run.chains);
    expect(Math.min(...[...perChain.values()].map((one) => one.length))).toBeGreaterThanOrEqual(run.listings);
    expect(late.length).toBeGreaterThan(0);
    expect(Math.max(...late)).toBeLessThan(run.intervalSeconds);
    expect(result.peakMemoryBytes).toBeLessThan(300_000_000);
  });
});
