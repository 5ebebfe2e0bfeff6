import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadChains } from "../../../crawlers/chains.ts";
import { checkChain } from "../../../crawlers/check.ts";
import { familyOf } from "../../../crawlers/choose-chains.ts";
import type { CrawlFilter } from "../../../crawlers/listed-file.ts";
import { builtInFamilies } from "../../../crawlers/portals/index.ts";
import { createPortalAccess, type PortalAccess } from "../../../shared/net/portal-access.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { startBina } from "../../fake-portals/bina.ts";
import type { FakePortal } from "../../fake-portals/fake-portal.ts";
import { FAKE_PORTALS } from "../../fake-portals/index.ts";
import { startLaibcatalog } from "../../fake-portals/laibcatalog.ts";
import { startPublishprice } from "../../fake-portals/publishprice.ts";
import { startSuperPharm } from "../../fake-portals/super-pharm.ts";
import { startWolt } from "../../fake-portals/wolt.ts";
import type { PortalFile } from "../../fixtures/portal-file.ts";
import { depsOf, FileBus, NOW } from "./helpers/crawl.ts";

/** Portals that name files without an extension are given the one that their families append. */
const EXTENSION: Record<string, string> = {
  "hazi-hinam": ".xml.gz",
  "city-market-shops": ".xml.gz",
  matrix: ".xml.gz",
};
/** Where an empty portal is told otherwise: one chain is known to be empty, one portal shows an empty day as it shows a new layout. */
const EMPTY_STATE: Record<string, string> = { matrix: "empty-plausible", publishprice: "layout-not-recognised" };
const DAY_MS = 86_400_000;

let database: TestDatabase;
let access: PortalAccess;
let portal: FakePortal | undefined;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());
afterEach(async () => {
  await access.close();
  await portal?.close();
  portal = undefined;
});

/** The chain that a fake portal stands for, reached through the real network layer. */
function reach(started: FakePortal) {
  portal = started;
  const path = join(mkdtempSync(join(tmpdir(), "gogobe-families-")), "chains.json");
  writeFileSync(path, JSON.stringify(started.chainOverrides()));
  const chains = loadChains({ chainsFile: path });
  const chain = chains.byKey(Object.keys(started.chainOverrides())[0] ?? "");
  if (!chain) throw new Error("the fake portal names no chain");
  const deps = { ...depsOf(database.pool, new FileBus(), []), chains };
  access = createPortalAccess({ ...deps, settings: { retryInitialMs: 5, retryMaxMs: 20, listingAttempts: 2 } });
  const family = familyOf(chain, builtInFamilies());
  const check = (filter: CrawlFilter = {}) => checkChain({ access }, chain, family, { now: () => NOW, filter });
  return { chain, family, check };
}

const stamp = (ageDays: number) =>
  new Date(NOW.getTime() - ageDays * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");

/** 60 stores with prices of two days and promotions, a stores file, and a leftover of long ago: several pages everywhere. */
function filesOf(family: string, chainId: string): PortalFile[] {
  const extension = EXTENSION[family] ?? ".gz";
  const named = (type: string, store: string, ageDays: number): PortalFile => ({
    name: `${type}${chainId}-${store}-${stamp(ageDays)}0310${family === "matrix" ? "-001" : ""}${extension}`,
    content: Buffer.from(`invented ${type} ${store} ${ageDays}`),
    publishedAt: new Date(NOW.getTime() - ageDays * DAY_MS),
  });
  const stores = Array.from({ length: 60 }, (_, index) => String(index + 1).padStart(3, "0"));
  return [
    ...stores.flatMap((store) => [
      named("PriceFull", store, 0),
      named("PriceFull", store, 1),
      named("PromoFull", store, 0),
    ]),
    named("Stores", "000", 0),
    named("PriceFull", "001", 3000),
  ];
}

async function startWithFiles(family: string, start: (files: readonly PortalFile[]) => Promise<FakePortal>) {
  const started = await start([]);
  const chainId = Object.values(started.chainOverrides())[0]?.chainIds[0] ?? "1";
  const files = filesOf(family, chainId);
  started.setFiles(files);
  return { ...reach(started), started, files };
}

describe.each(Object.entries(FAKE_PORTALS))("%s", (name, start) => {
  test("lists everything of today and yesterday once, by type, and nothing older", async () => {
    const { check } = await startWithFiles(name, start);
    expect(await check()).toMatchObject({
      state: "found",
      filesListed: 181,
      filesByType: { "price-full": 120, "promo-full": 60, stores: 1, price: 0, promo: 0 },
      unknownNames: 0,
    });
    expect(await check({ types: ["promo-full"] })).toMatchObject({ filesListed: 60 });
    expect(await check({ stores: ["7"], types: ["price-full"] })).toMatchObject({ filesListed: 2 });
  });

  test("resolves a listed file, and the same file again when its link was refused, to its bytes", async () => {
    const { chain, family, check, files, started } = await startWithFiles(name, start);
    const { samples } = await check();
    const session = access.forChain(chain);
    const context = {
      chain,
      http: session.http,
      ftp: session.ftp,
      signal: new AbortController().signal,
      now: () => NOW,
    };
    for (const { identity, url } of samples) {
      const { fileName, fileType } = identity;
      const content = files.find((file) => file.name === fileName)?.content;
      for (const fresh of [false, true]) {
        const target = await family.resolve(context, { fileName, fileType, url, fresh });
        const fetched = target.ftp ? "by the downloader" : await session.http.text(target.url);
        expect([fileName, fetched, target.url.startsWith(started.url)]).toEqual([
          fileName,
          target.ftp ? "by the downloader" : String(content),
          true,
        ]);
      }
    }
    await session.close();
  });

  test("tells an empty portal from one that is down", async () => {
    const { check, started } = await startWithFiles(name, start);
    started.setFiles([]);
    expect((await check()).state).toBe(EMPTY_STATE[name] ?? "empty-suspicious");
    await started.goDown();
    expect((await check()).state).toBe("unreachable");
    await started.comeBack();
  });
});

test.each(Object.entries(FAKE_PORTALS).filter(([name]) => name !== "cerberus"))(
  "%s recognises a page that is not its listing",
  async (name, start) => {
    const { check, started } = await startWithFiles(name, start);
    started.addFault({ kind: "body", body: "<html><body>maintenance</body></html>" });
    const { state, detail } = await check();
    expect([state, detail]).toEqual(["layout-not-recognised", expect.stringMatching(/without .*maintenance/)]);
  },
);

describe("quirks", () => {
  test("bina with more files than it ever answers at once is complete", async () => {
    const { check, started, chain, files } = await startWithFiles("bina", (list) => startBina(list));
    const hourly = Array.from({ length: 1400 }, (_, index): PortalFile => {
      const store = String((index % 60) + 1).padStart(3, "0");
      const minute = String(Math.floor(index / 60)).padStart(2, "0");
      const name = `Price${chain.chainIds[0]}-${store}-${stamp(0)}04${minute}.gz`;
      return { name, content: Buffer.from("x"), publishedAt: NOW };
    });
    started.setFiles([...files, ...hourly]);
    expect((await check()).filesByType).toMatchObject({ price: 1400, "price-full": 120, "promo-full": 60, stores: 1 });
  });

  test.each([{ withoutBranches: true }, { lowerCaseTypes: true }])("laibcatalog with %o", async (quirk) => {
    const { check } = await startWithFiles("laibcatalog", (files) => startLaibcatalog(files, quirk));
    expect((await check()).filesListed).toBe(181);
  });

  test("publishprice with an empty path", async () => {
    const { check } = await startWithFiles("publishprice", (files) => startPublishprice(files, { emptyPath: true }));
    expect((await check()).filesListed).toBe(181);
  });

  test("wolt with no page for an empty day", async () => {
    const { check, started, files } = await startWithFiles("wolt", (list) => startWolt(list, { emptyDay: "404" }));
    started.setFiles(files.filter((file) => file.name.includes(stamp(0))));
    expect((await check()).filesListed).toBe(121);
  });

  test("super-pharm whose first step answers another status says so", async () => {
    const { check, chain, family } = await startWithFiles("super-pharm", (files) =>
      startSuperPharm(files, { status: 7 }),
    );
    const [{ identity, url } = { identity: null, url: "" }] = (await check()).samples;
    if (identity === null) throw new Error("nothing was listed");
    const session = access.forChain(chain);
    const context = { ...session, chain, signal: new AbortController().signal, now: () => NOW };
    const resolved = family.resolve(context, { ...identity, url, fresh: false });
    await expect(resolved).rejects.toThrow("status");
    await session.close();
  });
});
