import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadChains } from "../../../crawlers/chains.ts";
import { checkChain } from "../../../crawlers/check.ts";
import { builtInFamilies } from "../../../crawlers/portals/index.ts";
import { type CrawlOptions, startCrawlers } from "../../../crawlers/worker.ts";
import type { FileType } from "../../../shared/contracts/file-identity.ts";
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
  const chainOf = (key: string) => {
    const chain = chains.byKey(key);
    const family = chain && builtInFamilies().get(chain.portal);
    if (!chain || !family) throw new Error(`no chain ${key}`);
    return { chain, family };
  };
  return { bus, crawl, access, chainOf };
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

  test.each([
    ["200 pages", { pageSize: 2 }],
    ["pages with rows repeated on the next one", { repeatsRowOnNextPage: true }],
    ["pages that shrink while they are read", { shrinksBy: 3 }],
  ])("%s are read completely, within the chain's limit", async (_, quirks) => {
    const portal = await startShufersal(filesNamed(names), quirks);
    const { bus, crawl } = world(portal);
    const { chains } = await crawl("shufersal");
    expect(chains[0]).toMatchObject({ state: "found" });
    expect(bus.names().toSorted()).toEqual(names.toSorted());
    expect(portal.peakParallel()).toBeLessThanOrEqual(5);
  });

  test.each([{ beyondEnd: "empty" as const }, { beyondEnd: "last" as const }])(
    "a lost pager loses no page (beyond the end: $beyondEnd)",
    async ({ beyondEnd }) => {
      const few = names.slice(0, 95);
      const { bus, crawl } = world(await startShufersal(filesNamed(few), { withoutPager: true, beyondEnd }));
      await crawl("shufersal");
      expect(bus.names().toSorted()).toEqual(few.toSorted());
    },
  );

  test("an expired link is replaced by one that works", async () => {
    const portal = await startShufersal(filesNamed(names.slice(0, 95)), { now: () => NOW.getTime() });
    const { chainOf, access: network } = world(portal);
    const { chain, family } = chainOf("shufersal");
    const { samples } = await checkChain({ access: network }, chain, family, { now });
    portal.expireLinks();
    const sample = samples[0];
    if (!sample) throw new Error("nothing was listed");
    const session = network.forChain(chain);
    const context = { chain, http: session.http, ftp: session.ftp, signal: new AbortController().signal, now };
    const file = {
      fileName: sample.identity.fileName,
      fileType: sample.identity.fileType as FileType,
      url: sample.url,
    };
    await expect(session.http.text(sample.url)).rejects.toThrow(/403/);
    const target = await family.resolve(context, { ...file, fresh: true });
    expect(await session.http.text(target.url)).toBe("invented");
    await session.close();
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
