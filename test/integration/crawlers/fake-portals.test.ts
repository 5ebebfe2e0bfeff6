import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadChains } from "../../../crawlers/chains.ts";
import { type CrawlOptions, startCrawlers } from "../../../crawlers/worker.ts";
import { createPortalAccess, type PortalAccess } from "../../../shared/net/portal-access.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { startCerberus } from "../../fake-portals/cerberus.ts";
import type { FakePortal } from "../../fake-portals/fake-portal.ts";
import { startShufersal } from "../../fake-portals/shufersal.ts";
import type { PortalFile } from "../../fixtures/portal-file.ts";
import { depsOf, FileBus, NOW } from "./helpers/crawl.ts";

let database: TestDatabase;
let access: PortalAccess;
const portals: FakePortal[] = [];
const now = () => NOW;

beforeEach(async () => void (database = await createTestDatabase()));
afterEach(async () => {
  await access.close();
  await Promise.all(portals.splice(0).map((portal) => portal.close()));
  await database.drop();
});

function filesNamed(names: string[]): PortalFile[] {
  return names.map((name) => ({ name, content: Buffer.from("invented"), publishedAt: NOW }));
}

const many = (count: number, chainId: string) =>
  Array.from(
    { length: count },
    (_, index) => `Price${chainId}-${String(index % 100).padStart(3, "0")}-20260113${minute(index)}.gz`,
  );
const minute = (index: number) => {
  const part = Math.floor(index / 100);
  return String(Math.floor(part / 60)).padStart(2, "0") + String(part % 60).padStart(2, "0");
};

/** The real registry pointed at fake portals, the real network layer, and a crawler over both. */
function world(portal: FakePortal) {
  portals.push(portal);
  const path = join(mkdtempSync(join(tmpdir(), "gogobe-fakes-")), "chains.json");
  writeFileSync(path, JSON.stringify(portal.chainOverrides()));
  const chains = loadChains({ chainsFile: path });
  const bus = new FileBus();
  const deps = { ...depsOf(database.pool, bus, []), chains };
  access = createPortalAccess({ ...deps, settings: { retryInitialMs: 5, retryMaxMs: 20, listingAttempts: 2 } });
  const crawl = (key: string, options: Partial<CrawlOptions> = {}) =>
    startCrawlers({ ...deps, access }, { chains: [key], filter: {}, once: true, now, ...options }).done;
  return { bus, crawl };
}

describe("cerberus over FTP with TLS", () => {
  test.each(["yes", "refused", "unlisted"] as const)(
    "5,000 files in one directory are all found (MLSD: %s)",
    async (mlsd) => {
      const names = many(5000, "7290058140886");
      const { bus, crawl } = world(await startCerberus(filesNamed([...names, "readme.txt"]), { mlsd }));
      const { chains } = await crawl("rami-levy");
      expect(chains[0]).toMatchObject({ state: "found", filesNew: 5000, published: 5000, unknownNames: 0 });
      expect(new Set(bus.names())).toEqual(new Set(names));
      expect((await crawl("rami-levy")).filesNew).toBe(0);
    },
  );

  test("a refused login is unreachable, never an empty listing", async () => {
    const { crawl } = world(await startCerberus(filesNamed(many(3, "7290058140886")), { refusesLogin: true }));
    expect((await crawl("rami-levy")).chains[0]).toMatchObject({
      state: "unreachable",
      detail: expect.stringContaining("530"),
    });
  });
});

describe("shufersal over HTTP", () => {
  const names = many(400, "7290027600007");

  test("200 pages are read completely, within the chain's limit", async () => {
    const portal = await startShufersal(filesNamed(names), { pageSize: 2 });
    const { bus, crawl } = world(portal);
    const { chains } = await crawl("shufersal");
    expect(chains[0]).toMatchObject({ state: "found" });
    expect(bus.names().toSorted()).toEqual(names.toSorted());
    expect(portal.peakParallel()).toBeLessThanOrEqual(5);
  });

  test("an error page and a portal that is down are told apart from no files", async () => {
    const portal = await startShufersal(filesNamed(names.slice(0, 30)));
    const { crawl } = world(portal);
    portal.addFault({ kind: "body", body: "<html>Service temporarily unavailable</html>" });
    expect((await crawl("shufersal")).chains[0]?.state).toBe("layout-not-recognised");
    portal.clearFaults();
    await portal.goDown();
    expect((await crawl("shufersal")).chains[0]?.state).toBe("unreachable");
    await portal.comeBack();
    portal.setFiles([]);
    expect((await crawl("shufersal")).chains[0]?.state).toBe("empty-suspicious");
  });
});
