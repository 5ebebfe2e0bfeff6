import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Candidate } from "../../crawlers/listed-file.ts";
import { builtInFamilies } from "../../crawlers/portals/index.ts";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import { startBina } from "../fake-portals/bina.ts";
import { RAMI_LEVY_ACCOUNT, startCerberus } from "../fake-portals/cerberus.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { startHaziHinam } from "../fake-portals/hazi-hinam.ts";
import { startLaibcatalog, VICTORY } from "../fake-portals/laibcatalog.ts";
import { startMatrix } from "../fake-portals/matrix.ts";
import { startPublishprice } from "../fake-portals/publishprice.ts";
import { startShufersal } from "../fake-portals/shufersal.ts";
import { startSuperPharm } from "../fake-portals/super-pharm.ts";
import { startWolt } from "../fake-portals/wolt.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createTestDatabase, type TestDatabase } from "../helpers/database.ts";
import { sampleFiles } from "./portal-files.ts";
import { nameFormOf } from "./portal-subjects.ts";
import { NOW, openPortalWorld, type PortalWorld, type WorldOptions } from "./portal-world.ts";

let database: TestDatabase;
let world: PortalWorld | undefined;
beforeAll(async () => void (database = await createTestDatabase()));
afterEach(() => world?.close());
afterAll(() => database.drop());

async function open<P extends FakePortal>(starting: Promise<P>, options: Partial<WorldOptions> = {}) {
  const portal = await starting;
  const plugin = builtInFamilies().get(portal.family) as PortalFamily;
  const [override] = Object.values(portal.chainOverrides());
  const chainId = override?.chainIds[0] ?? "1";
  const sample = sampleFiles(chainId, nameFormOf(portal.family), NOW);
  portal.setFiles(sample.all);
  world = await openPortalWorld({ db: database.pool, plugin, portal, ...options });
  return { ...world, portal, chainId, sample };
}

const named = (...names: string[]): PortalFile[] =>
  names.map((name) => ({ name, content: Buffer.from(`invented ${name}`), publishedAt: NOW }));
const sorted = (files: readonly PortalFile[]) => files.map(({ name }) => name).toSorted();
const first = (files: readonly Candidate[]): Candidate => {
  const [file] = files;
  if (!file) throw new Error("nothing was listed");
  return file;
};
const twoDigits = (value: number) => String(value).padStart(2, "0");

describe("bina", () => {
  /** Store by store, 25 an hour apart: the first thousand names tell nothing of the last stores. */
  const deltas = (chainId: string, stores: number, perStore: number) =>
    named(
      ...Array.from({ length: stores * perStore }, (_, index) => {
        const store = String(Math.floor(index / perStore) + 1).padStart(3, "0");
        const minute = index % perStore;
        return `Price${chainId}-${store}-20260113${twoDigits(Math.floor(minute / 60))}${twoDigits(minute % 60)}.gz`;
      }),
    );

  test("is complete beyond the thousand names that it ever answers, stores that the cut hides included", async () => {
    const { list, portal, sample, chainId } = await open(startBina([]));
    const files = [
      ...sample.current,
      ...deltas(chainId, 45, 60).filter(({ name }) => !sorted(sample.current).includes(name)),
    ];
    portal.setFiles([...files, sample.leftover]);
    const listing = await list();
    expect(listing).toMatchObject({ state: "found", detail: null });
    expect(listing.names.toSorted()).toEqual(sorted(files));
  });

  test("says so when one store alone has more than it answers", async () => {
    const { list, portal, sample, chainId } = await open(startBina([]));
    portal.setFiles([...sample.current, ...deltas(chainId, 1, 1200)]);
    const { state, detail } = await list();
    expect([state, detail]).toEqual([
      "layout-not-recognised",
      expect.stringMatching(/1000 files of store 001.*cut off/),
    ]);
  });

  test("serves a zip under a name that ends in .gz as it is, and names the status of a link that leads nowhere", async () => {
    const [zip, dead] = ["Price7290058108879-001-202601130400.gz", "Price7290058108879-002-202601130400.gz"];
    const { list, download, portal } = await open(startBina([], { deadLinks: [dead] }));
    portal.setFiles([...named(dead), { name: zip, content: Buffer.from("PK\u0003\u0004 invented"), publishedAt: NOW }]);
    const { files } = await list();
    const by = (name: string) => first(files.filter(({ listed }) => listed.fileName === name));
    expect(String(await download(by(zip)))).toBe("PK\u0003\u0004 invented");
    await expect(download(by(dead))).rejects.toThrow(/404/);
  });

  test("is followed to another host only when the registry names it", async () => {
    const link = (hosts: string[]) =>
      open(startBina([], { downloadHost: "localhost" }), { entry: { hosts, allowPrivateHosts: hosts } });
    const named = await link(["127.0.0.1", "localhost"]);
    const { files } = await named.list();
    expect(await named.download(first(files))).toBeInstanceOf(Buffer);
    await named.close();
    const unnamed = await link(["127.0.0.1"]);
    await expect(unnamed.download(first(files))).rejects.toThrow(/localhost is not one of its hosts/);
  });
});

describe("cerberus", () => {
  test.each(["refused", "unlisted"] as const)("is listed by LIST when MLSD is %s", async (mlsd) => {
    const { list, sample } = await open(startCerberus([], { mlsd }));
    expect((await list()).names.toSorted()).toEqual(sorted(sample.current));
  });

  test.each(["lower", "upper"] as const)("may write all names in %s case", async (nameCase) => {
    const { list, download, sample } = await open(startCerberus([], { nameCase }));
    const { names, files } = await list({ types: ["price-full"] });
    expect(names).toHaveLength(90);
    const [file] = sample.current;
    const same = files.filter(({ listed }) => listed.fileName.toLowerCase() === file?.name.toLowerCase());
    expect(await download(first(same))).toEqual(file?.content);
  });

  test("sends its data in clear where it refuses to protect them, and the login stays protected", async () => {
    const { list, download, portal, sample } = await open(startCerberus([], { clearData: true }));
    const { names, files } = await list();
    expect(names.toSorted()).toEqual(sorted(sample.current));
    const content = sample.all.find(({ name }) => name === names[0])?.content;
    expect(await download(first(files))).toEqual(content);
    const commands = portal.requests.map(({ method, status }) => `${method} ${status}`);
    expect(commands.slice(0, 3)).toEqual(["AUTH 234", "USER 331", "PASS 230"]);
    expect(commands).toContain("PROT 504");
  });

  test("reads every form of name of the field notes, and skips what is no price file", async () => {
    const { list, portal } = await open(startCerberus([], { modifyFacts: "some" }));
    const names = [
      "Promo7290058140886-001-202601130800.gz",
      "NULLPromo7290058140886-002-202601130800.xml",
      "Stores7290058140886-202601130005.xml",
      "storesfull7290058140886-000-202601130655.xml",
    ];
    portal.setFiles(named(...names, "readme.txt"));
    expect(await list()).toMatchObject({ names, unknownNames: 0 });
  });

  test("an account without its folder is a changed portal, a refused login one that cannot be reached", async () => {
    const { chain, username } = RAMI_LEVY_ACCOUNT;
    const elsewhere = await open(startCerberus([], { accounts: [{ chain, username, path: "/Moved" }] }), {
      entry: { ftp: { username, password: "", path: "/Levy", rejectUnauthorized: false } },
    });
    const moved = await elsewhere.list();
    expect([moved.state, moved.detail]).toEqual([
      "layout-not-recognised",
      expect.stringContaining('the folder "/Levy"'),
    ]);
    await elsewhere.close();
    const { list } = await open(startCerberus([], { refusesLogin: true }));
    expect(await list()).toMatchObject({ state: "unreachable", detail: expect.stringContaining("530") });
  });

  test("names a file that is gone between listing and download", async () => {
    const [gone] = ["PriceFull7290058140886-001-202601130310.gz"];
    const { list, download } = await open(startCerberus([], { vanished: [gone] }));
    const { files } = await list();
    const file = first(files.filter(({ listed }) => listed.fileName === gone));
    await expect(download(file)).rejects.toThrow(/no such file.*550/);
  });
});

describe("hundreds of pages", () => {
  test.each([
    ["shufersal", startShufersal],
    ["super-pharm", startSuperPharm],
  ] as const)("of %s are read completely, five at a time", async (_, start) => {
    const { list, portal, chainId } = await open(start([], { pageSize: 2 }));
    const files = named(
      ...Array.from({ length: 400 }, (_file, index) => {
        const store = String((index % 100) + 1).padStart(3, "0");
        return `Price${chainId}-${store}-2026011304${twoDigits(Math.floor(index / 100))}.gz`;
      }),
    );
    portal.setFiles(files);
    portal.addFault({ kind: "gather", requests: 6, atMostMs: 100, after: 1, times: 20 });
    const { names } = await list();
    expect(names.toSorted()).toEqual(sorted(files));
    expect(portal.requests.length).toBeGreaterThanOrEqual(200);
    expect(portal.peakParallel()).toBe(5);
  });
});

describe("shufersal", () => {
  test.each([
    ["a row that comes again on the next page", { repeatsRowOnNextPage: true }],
    ["pages that shrink while they are read", { shrinksBy: 3 }],
    ["no pager, and nothing behind the last page", { withoutPager: true, beyondEnd: "empty" }],
    ["no pager, and the last page again behind it", { withoutPager: true, beyondEnd: "last" }],
  ] as const)("is complete with %s", async (_, quirks) => {
    const { list, sample } = await open(startShufersal([], quirks));
    expect((await list()).names.toSorted()).toEqual(sorted(sample.current));
  });

  test("gives up on a link that has expired each time it is listed, and says which status came", async () => {
    const name = "PriceFull7290027600007-001-202601130310.gz";
    const { list, download } = await open(startShufersal([], { expiredNames: [name] }));
    const file = first((await list()).files.filter(({ listed }) => listed.fileName === name));
    await expect(download(file)).rejects.toThrow(/403/);
  });
});

describe("super-pharm", () => {
  test("whose first step answers another status says so", async () => {
    const { list, download } = await open(startSuperPharm([], { status: 7 }));
    await expect(download(first((await list()).files))).rejects.toThrow(/"status": 0/);
  });

  test("whose session is over gives another one at the next step", async () => {
    const { list, download, portal, sample } = await open(startSuperPharm([]));
    const file = first((await list()).files);
    const content = sample.all.find(({ name }) => name === file.listed.fileName)?.content;
    const forget = () => portal.forgetSessions();
    expect(await download(file, { beforeFetch: forget })).toEqual(content);
    forget();
    expect(await download(file)).toEqual(content);
  });
});

describe("laibcatalog", () => {
  test.each([
    ["no branch named", { withoutBranches: true }],
    ["types in lower case", { lowerCaseTypes: true }],
    ["a branch that publishes nothing any more", { branchesFilter: true, idleBranches: [98] }],
  ])("is complete with %s", async (_, quirks) => {
    const { list, sample } = await open(startLaibcatalog([], quirks));
    expect((await list()).names.toSorted()).toEqual(sorted(sample.current));
  });

  test("serves the files of its second id in the folder of its first", async () => {
    const [, second = ""] = VICTORY.chainIds;
    const { list, download, portal } = await open(startLaibcatalog([]));
    portal.setFiles(named(`PriceFull${second}-001-202601130310.gz`));
    const file = first((await list()).files);
    expect(String(await download(file))).toContain(second);
  });
});

describe("publishprice", () => {
  test.each([
    ["JSON in a script, since 2026-01", { generation: "json" }],
    ["anchors in a script, from 2024-08", { generation: "anchors" }],
    ["a table per folder, in 2022", { generation: "directory" }],
    ["an empty path", { emptyPath: true }],
  ] as const)("is complete with %s", async (_, quirks) => {
    const { list, download, sample } = await open(startPublishprice([], quirks));
    const { names, files } = await list();
    expect(names.toSorted()).toEqual(sorted(sample.current));
    const file = first(files);
    expect(await download(file)).toEqual(sample.all.find(({ name }) => name === file.listed.fileName)?.content);
  });

  test.each([
    ["anchors", "list in the script", /files_html/g, /const files/],
    ["anchors", "links in the list", /href/g, /a\[href\] in const files_html/],
    ["directory", "folders", /\d{8}\//g, /a table of day folders/],
  ] as const)("of the generation %s notices changed %s", async (generation, _, changed, missing) => {
    const { list, portal } = await open(startPublishprice([], { generation }));
    portal.addFault({ kind: "rewrite", change: (body) => body.replaceAll(changed, "renamed") });
    const { state, detail } = await list();
    expect([state, detail]).toEqual(["layout-not-recognised", expect.stringMatching(missing)]);
  });

  test("with files of older days alone is empty, not changed", async () => {
    const { list, portal, sample } = await open(startPublishprice([]));
    portal.setFiles([sample.older]);
    expect((await list()).state).toBe("empty-suspicious");
  });
});

describe("wolt", () => {
  test("has no page for a day without files, or for two: the index tells that from a portal that moved", async () => {
    const { list, portal, sample } = await open(startWolt([], { emptyDay: "404" }));
    const ofToday = sample.current.filter(({ publishedAt }) => publishedAt.getTime() === NOW.getTime());
    portal.setFiles(ofToday);
    expect((await list()).names.toSorted()).toEqual(sorted(ofToday));
    portal.setFiles([sample.older]);
    expect(await list()).toMatchObject({ state: "empty-suspicious", names: [] });
    portal.addFault({ kind: "status", status: 404 });
    expect(await list()).toMatchObject({ state: "unreachable", detail: expect.stringContaining("404") });
    portal.clearFaults();
    portal.addFault({ kind: "body", body: "<p>a new home</p>", on: /index\.html/ });
    const { state, detail } = await list();
    expect([state, detail]).toEqual(["layout-not-recognised", expect.stringMatching(/page of a day.*a new home/)]);
  });
});

test("hazi-hinam is read with its columns as they were before 2025-02", async () => {
  const { list, sample } = await open(startHaziHinam([], { oldColumns: true }));
  const { names, files } = await list();
  expect(names.toSorted()).toEqual(sorted(sample.current));
  expect(files.every(({ listed }) => /^[\d.]+ KB$/.test(listed.listedAt ?? ""))).toBe(true);
});

test("matrix leaves the files of its neighbours in the table alone", async () => {
  const [theirs] = named("PriceFull7290661400001-001-202601130300-001.xml.gz");
  const files = theirs ? [theirs] : [];
  const { list, sample } = await open(startMatrix([], { neighbour: { nameHe: "מחסני השוק", files } }));
  expect((await list()).names.toSorted()).toEqual(sorted(sample.current));
});

test("a file made before midnight and listed after it is found again when its link is refused", async () => {
  const { list, download, portal } = await open(startHaziHinam([]));
  const [late] = named("Promo7290700100008-000-207-20260112-235925.xml.gz");
  portal.setFiles(late ? [late] : []);
  const file = first((await list()).files);
  portal.addFault({ kind: "status", status: 404, on: /files/, times: 1 });
  expect(await download(file)).toEqual(late?.content);
});

test("a body that is gzip comes out of the store as it was published", async () => {
  const { list, download, portal } = await open(startMatrix([]));
  const content = gzipSync("<root/>");
  portal.setFiles([{ name: "Promo7290696200003-087-202601131000-001.xml.gz", content, publishedAt: NOW }]);
  expect(await download(first((await list()).files))).toEqual(content);
});
