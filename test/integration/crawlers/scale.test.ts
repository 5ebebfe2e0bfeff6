import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CrawlSummary } from "../../../crawlers/worker.ts";
import { israelDay } from "../../../shared/israel-time.ts";
import { RAMI_LEVY_ACCOUNT, startCerberus } from "../../fake-portals/cerberus.ts";
import type { FakePortal } from "../../fake-portals/fake-portal.ts";
import { SHUFERSAL, startShufersal } from "../../fake-portals/shufersal.ts";
import type { PortalFile } from "../../fixtures/portal-file.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { createPipeline, type Pipeline } from "../../helpers/pipeline.ts";

const MAX_MEMORY_BYTES = 300_000_000;
const PAGE = 20;
/** Files of one store: a full day of every type, round the clock. */
const PER_STORE = 10;

const NOW = new Date();
const STAMP = israelDay(NOW).replaceAll("-", "");

/** So many invented files of today, ten per store. */
function filesOf(chainId: string, count: number): PortalFile[] {
  const types = ["PriceFull", "Price", "PromoFull", "Promo"];
  return Array.from({ length: count }, (_, index) => {
    const store = String(Math.floor(index / PER_STORE) + 1).padStart(3, "0");
    const turn = index % PER_STORE;
    const name = `${types[turn % types.length]}${chainId}-${store}-${STAMP}00${String(turn).padStart(2, "0")}.gz`;
    return { name, content: Buffer.alloc(64), publishedAt: NOW };
  });
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function pipelineOver(chains: object, env: Record<string, string> = {}): Promise<Pipeline> {
  return createPipeline({ embedded: true, chains, env: { DATABASE_URL: database.url, ...env } });
}

/** `gogobe crawl --once` as a process of its own. */
async function crawlOnce(pipeline: Pipeline, chain: string) {
  const result = await pipeline.gogobe(["crawl", "--once", "--json", "--chains", chain]);
  expect(result.code, result.stderr).toBe(0);
  return { summary: JSON.parse(result.stdout) as CrawlSummary, peakMemoryBytes: result.peakMemoryBytes };
}

describe("a listing of thousands of files, by a process of its own,", () => {
  test.each<[string, string, number, () => Promise<FakePortal>]>([
    [
      "5,000 files in one FTP directory",
      RAMI_LEVY_ACCOUNT.chain.key,
      5_000,
      () => startCerberus(filesOf(RAMI_LEVY_ACCOUNT.chain.chainIds[0] ?? "", 5_000)),
    ],
    [
      "200 HTML pages",
      SHUFERSAL.key,
      200 * PAGE,
      () => startShufersal(filesOf(SHUFERSAL.chainIds[0] ?? "", 200 * PAGE), { pageSize: PAGE }),
    ],
  ])(
    "%s, is whole, new the first time and known the second, below 300 MB",
    { timeout: 240_000 },
    async (what, key, count, start) => {
      const portal = await start();
      const pipeline = await pipelineOver(portal.chainOverrides());
      try {
        const first = await crawlOnce(pipeline, key);
        const second = await crawlOnce(pipeline, key);
        const figures = [first, second].map(
          ({ summary, peakMemoryBytes }) => `${summary.chains[0]?.seconds} s, ${Math.round(peakMemoryBytes / 1e6)} MB`,
        );
        console.log(`${what}: first ${figures[0]}; again ${figures[1]}`);
        expect(first.summary).toMatchObject({ filesListed: count, filesNew: count, published: count });
        expect(first.summary.chains[0]).toMatchObject({ state: "found", detail: null });
        expect(second.summary).toMatchObject({ filesListed: count, filesNew: 0, published: 0 });
        expect(Math.max(first.peakMemoryBytes, second.peakMemoryBytes)).toBeLessThan(MAX_MEMORY_BYTES);
      } finally {
        await pipeline.close();
        await portal.close();
      }
    },
  );
});

test("two crawler processes on one host keep its limit together", { timeout: 240_000 }, async () => {
  const limit = 3;
  const pages = 60;
  const portal = await startShufersal(filesOf(SHUFERSAL.chainIds[0] ?? "", pages * PAGE), { pageSize: PAGE });
  // Every answer waits a little for one request more than is allowed.
  portal.addFault({ kind: "gather", requests: limit + 1, atMostMs: 200 });
  const overrides = Object.fromEntries(
    Object.entries(portal.chainOverrides()).map(([key, entry]) => [key, { ...entry, maxParallel: limit }]),
  );
  const pipeline = await pipelineOver(overrides);
  const owners = watchOwners();
  try {
    const both = await Promise.all([crawlOnce(pipeline, SHUFERSAL.key), crawlOnce(pipeline, SHUFERSAL.key)]);
    for (const { summary } of both) expect(summary.filesListed).toBe(pages * PAGE);
    expect(portal.requests.length).toBeGreaterThanOrEqual(2 * pages);
    expect(await owners.most()).toBe(2);
    expect(portal.peakParallel()).toBe(limit);
  } finally {
    await pipeline.close();
    await portal.close();
  }
});

/** Most processes that held slots at one time. */
function watchOwners() {
  let most = 0;
  const over = new AbortController();
  const watch = async () => {
    while (!over.signal.aborted) {
      const { rows } = await database.pool.query<{ owners: number }>(
        "SELECT count(DISTINCT owner)::int AS owners FROM host_slots WHERE slot >= 0 AND expires_at > now()",
      );
      most = Math.max(most, rows[0]?.owners ?? 0);
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  const running = watch();
  return {
    most: async () => {
      over.abort();
      await running;
      return most;
    },
  };
}
