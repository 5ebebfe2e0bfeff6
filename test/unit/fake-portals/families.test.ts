import { load } from "cheerio";
import { afterEach, describe, expect, test } from "vitest";
import { startBina } from "../../fake-portals/bina.ts";
import { startCityMarketShops } from "../../fake-portals/city-market-shops.ts";
import type { FakePortal } from "../../fake-portals/fake-portal.ts";
import { startHaziHinam } from "../../fake-portals/hazi-hinam.ts";
import { FAKE_PORTALS } from "../../fake-portals/index.ts";
import { startLaibcatalog } from "../../fake-portals/laibcatalog.ts";
import { startMatrix } from "../../fake-portals/matrix.ts";
import { startMeshnatYosef } from "../../fake-portals/meshnat-yosef-worker.ts";
import { startNetivHesed } from "../../fake-portals/netiv-hesed.ts";
import { startPublishprice } from "../../fake-portals/publishprice.ts";
import { startSuperPharm } from "../../fake-portals/super-pharm.ts";
import { startWolt } from "../../fake-portals/wolt.ts";
import { bytesOf, sampleFile, sampleStores } from "./sample-files.ts";

const running: FakePortal[] = [];
afterEach(async () => {
  for (const portal of running.splice(0)) await portal.close();
});
async function keep<P extends FakePortal>(starting: Promise<P>): Promise<P> {
  const portal = await starting;
  running.push(portal);
  return portal;
}

const text = async (url: string, init?: RequestInit) => (await fetch(url, init)).text();
const json = async (url: string): Promise<unknown> => JSON.parse(await text(url));
const bytes = async (url: string, init?: RequestInit) => Buffer.from(await (await fetch(url, init)).arrayBuffer());

describe("bina", () => {
  const id = "7290058108879";
  const list = (portal: FakePortal, query: string) =>
    json(`${portal.url}MainIO_Hok.aspx?_=${id}&wReshet=%D7%94%D7%9B%D7%9C&${query}`) as Promise<{ FileNm: string }[]>;

  test("cuts its answer at 1000 rows, and filters by type, store and day get at the rest", async () => {
    const files = [
      ...sampleStores(600, id),
      ...sampleStores(600, id, "Price"),
      sampleFile(`NULLPrice${id}-028-202601031441.gz`, "2026-01-03T12:41:00Z"),
    ];
    const portal = await keep(startBina(files));
    expect(await list(portal, "WFileType=0&WDate=&WStore=")).toHaveLength(1000);
    expect(await list(portal, "WFileType=4&WDate=&WStore=")).toHaveLength(600);
    expect((await list(portal, "WFileType=2&WDate=02/01/2026&WStore=017")).map((row) => row.FileNm)).toEqual([
      `Price${id}-017-202601020210.gz`,
    ]);
    expect(await list(portal, "WFileType=&WDate=03/01/2026")).toEqual([
      { FileNm: `NULLPrice${id}-028-202601031441.gz` },
    ]);
    expect(await json(`${portal.url}MainIO_Hok.aspx?_=1`)).toEqual([]);
  });

  test("exchanges a name for an address, which may be dead or on another host", async () => {
    const files = sampleStores(2, id);
    const portal = await keep(startBina(files, { deadLinks: [files[1]?.name ?? ""], downloadHost: "localhost" }));
    const linkOf = async (name = "") =>
      ((await json(`${portal.url}/Download.aspx?FileNm=${name}`)) as { SPath: string }[])[0]?.SPath ?? "";
    const link = await linkOf(files[0]?.name);
    expect(new URL(link).hostname).toBe("localhost");
    expect(await bytes(link.replace("localhost", "127.0.0.1"))).toEqual(bytesOf(files[0]));
    expect((await fetch((await linkOf(files[1]?.name)).replace("localhost", "127.0.0.1"))).status).toBe(404);
    expect(portal.chainOverrides()["king-store"]?.hosts).toEqual(["127.0.0.1", "localhost"]);
  });
});

test("laibcatalog repeats the same files with every branch and keeps all files under its first chain id", async () => {
  const [id, second] = ["7290696200003", "7290058103393"];
  const files = [...sampleStores(2, id), sampleFile(`Stores${id}-000-202601020500.xml.gz`), ...sampleStores(1, second)];
  const portal = await keep(startLaibcatalog(files, { lowerCaseTypes: true }));
  const api = `${portal.url}webapi/api`;
  expect(await json(`${api}/getbranches?edi=${id}`)).toEqual([
    expect.objectContaining({ number: 1 }),
    expect.objectContaining({ number: 2 }),
  ]);
  const all = await json(`${api}/getfiles?edi=${id}`);
  expect(all).toHaveLength(3);
  expect(await json(`${api}/getfiles?edi=${id}&branchNumber=2`)).toEqual(all);
  const honest = await keep(
    startLaibcatalog(files, { lowerCaseTypes: true, branchesFilter: true, idleBranches: [98] }),
  );
  const files98 = `${honest.url}webapi/api/getfiles?edi=${id}&branchNumber=98`;
  expect(await json(files98)).toEqual([]);
  expect(await json(files98.replace("=98", "=2"))).toEqual([
    { fileName: `PriceFull${id}-002-202601020210.gz`, fileType: "pricefull", fileSize: "300 B" },
    { fileName: `Stores${id}-000-202601020500.xml.gz`, fileType: "store", fileSize: "300 B" },
  ]);
  const name = `PriceFull${second}-001-202601020210.gz`;
  expect((await fetch(`${portal.url}webapi/${second}/${name}`)).status).toBe(404);
  expect(await bytes(`${portal.url}webapi/${id}/${name}`)).toEqual(bytesOf(files[3]));
});

test("matrix mixes the files of several chains in one table, with backslashes in its links", async () => {
  const files = [sampleFile("Promo7290696200003-087-202601022158-001.xml.gz")];
  const portal = await keep(startMatrix(files));
  const $ = load(await text(portal.url));
  const rows = $("table tr")
    .toArray()
    .slice(1)
    .filter((row) => $(row).text().includes("ויקטורי"));
  const link = $(rows[0]).find("a").first().attr("href") ?? "";
  expect([rows.length, $("table tr").length]).toEqual([1, 3]);
  expect(link).toBe(
    "CompetitionRegulationsFiles\\latest\\7290696200003/Promo7290696200003-087-202601022158-001.xml.gz",
  );
  expect(await bytes(portal.url + link.replaceAll("\\", "/"))).toEqual(bytesOf(files[0]));
  const second = "Promo7290058103393-087-202601022158-000.xml.gz";
  portal.setFiles([sampleFile(second)]);
  expect(await text(portal.url)).toContain(`latest\\7290696200003/${second}`);
});

describe("publishprice", () => {
  const files = [
    sampleFile("Price7290055700007-9032-202601021500.gz", "2026-01-02T13:00:00Z"),
    sampleFile("Stores7290055700007-202601010001.xml", "2026-01-01T08:00:00Z"),
  ];

  test("holds the newest day, or the one asked for, in the script before the last", async () => {
    const portal = await keep(startPublishprice(files));
    const scriptOf = async (query: string) =>
      load(await text(portal.url + query))("script")
        .toArray()
        .map((script) => load(script).text())
        .at(-2) ?? "";
    const newest = await scriptOf("");
    expect(/^const path = '(.*)';$/m.exec(newest)?.[1]).toBe("20260102");
    expect(JSON.parse(/^const files = (.*);$/m.exec(newest)?.[1] ?? "")).toEqual([{ name: files[0]?.name, size: 300 }]);
    expect(await scriptOf("?p=./20260101")).toContain("Stores7290055700007");
    expect(await bytes(`${portal.url}20260102/${files[0]?.name}`)).toEqual(bytesOf(files[0]));
    expect(await text(`${portal.url}?p=./20250101`)).not.toContain("const files");
  });

  test("has an empty path when told to, and its older pages", async () => {
    const rootless = await keep(startPublishprice(files, { emptyPath: true }));
    expect(await text(rootless.url)).toContain("const path = '';");
    expect(await bytes(`${rootless.url}${files[0]?.name}`)).toEqual(bytesOf(files[0]));
    const anchors = await keep(startPublishprice(files, { generation: "anchors" }));
    const list = JSON.parse(/^const files_html = (.*);$/m.exec(await text(anchors.url))?.[1] ?? "") as string[];
    expect(list).toEqual([`<a href="20260102/${files[0]?.name}" download>${files[0]?.name}</a>`]);
    const directory = await keep(startPublishprice(files, { generation: "directory" }));
    expect(
      load(await text(directory.url))("a")
        .toArray()
        .map((anchor) => anchor.attribs["href"]),
    ).toEqual(["20260102/", "20260101/"]);
    expect(await text(`${directory.url}20260101/`)).toContain(files[1]?.name);
  });
});

describe("super-pharm", () => {
  const files = [
    ...sampleStores(45, "7290172900007", "PromoFull"),
    sampleFile("Price7290172900007-224-202601020634.gz"),
  ];

  test("pages by 20 with the last page on the last button, and filters by day and category", async () => {
    const portal = await keep(startSuperPharm(files));
    const first = load(await text(`${portal.url}?Category-equals=PromoFull&Date-equals=02/01/2026&page=1`));
    expect(first("tbody > tr").length).toBe(20);
    expect(first(".mvc-grid-pager button").last().attr("data-page")).toBe("3");
    const last = load(await text(`${portal.url}?Category-equals=PromoFull&page=3`));
    expect(
      last("tbody > tr > td:nth-child(2)")
        .toArray()
        .map((cell) => last(cell).text()),
    ).toEqual(files.slice(40, 45).map((file) => file.name));
    const none = load(await text(`${portal.url}?Category-equals=Stores`));
    expect(none("tbody > tr").find("td").length).toBe(1);
    expect(none(".mvc-grid-pager").length).toBe(0);
  });

  test("gives a file in two steps, with the cookie of the first and within ten minutes", async () => {
    let now = Date.parse("2026-01-02T05:00:00Z");
    const portal = await keep(startSuperPharm(files, { now: () => now }));
    const listing = await fetch(`${portal.url}?Category-equals=Price`);
    const cookie = (listing.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const href = load(await listing.text())("tbody > tr > td:nth-child(6) a").attr("href") ?? "";
    expect(href).toMatch(/^\/home\/getlink\/[0-9a-f]{32}\/$/);
    const step = async () =>
      JSON.parse(await text(`${portal.url}${href}`, { headers: { cookie } })) as { status: number; href: string };
    const { status, href: link } = await step();
    expect([status, link.split("/").at(-1)]).toEqual([0, String(now / 1000 + 600)]);
    expect((await fetch(portal.url + link)).status).toBe(403);
    expect(await bytes(portal.url + link, { headers: { cookie } })).toEqual(bytesOf(files[45]));
    now += 601_000;
    expect(await text(portal.url + link, { headers: { cookie } })).toMatch(/link expired/i);
    const again = await step();
    portal.expireLinks();
    expect(await text(portal.url + again.href, { headers: { cookie } })).toMatch(/link expired/i);
  });

  test("can answer step 1 with another status", async () => {
    const portal = await keep(startSuperPharm(files, { status: 1 }));
    const href =
      load(await text(portal.url))("tbody a")
        .first()
        .attr("href") ?? "";
    expect(await json(portal.url + href)).toEqual({ status: 1, href: "" });
  });
});

describe("hazi-hinam", () => {
  const files = Array.from({ length: 25 }, (_, index) =>
    sampleFile(`Promo7290700100008-000-${index + 1}-20260102-103225.gz`, "2026-01-02T08:32:25Z", 1_233_408),
  );

  test("lists names without extension by day and type, sizes with thousands separators, absolute links", async () => {
    const portal = await keep(startHaziHinam(files));
    const page = load(await text(`${portal.url}Prices?d=2026-01-02&t=2&f=null`));
    const cells = page("table > tbody > tr")
      .first()
      .find("td")
      .toArray()
      .map((cell) => page(cell).text());
    expect([cells[2], cells[4]]).toEqual([" Promo7290700100008-000-1-20260102-103225 ", "1,204.5"]);
    const link = page("table > tbody > tr").first().find("td:nth-child(6) a").attr("href") ?? "";
    expect(await bytes(link)).toEqual(bytesOf(files[0]));
    expect(page("li.pagination-item").last().find("a").attr("href")).toContain("p=2");
    expect(load(await text(`${portal.url}Prices?d=2026-01-02&t=2&f=null&p=2`))("tbody > tr").length).toBe(5);
    expect(load(await text(`${portal.url}Prices?d=2026-01-01&t=null&f=null`))("tbody > tr").length).toBe(0);
    expect(load(await text(`${portal.url}Prices?d=2026-01-02&t=1&f=null`))("tbody > tr").length).toBe(0);
    expect(portal.chainOverrides()["hazi-hinam"]?.baseUrl).toBe(`${portal.url}Prices`);
  });

  test("has its columns one to the left when told to", async () => {
    const portal = await keep(startHaziHinam(files, { oldColumns: true }));
    const page = load(await text(`${portal.url}Prices?d=2026-01-02&t=2&f=null`));
    expect(page("tbody > tr").first().find("td:nth-child(2)").text()).toContain("Promo7290700100008");
    expect(page("tbody > tr").first().find("td:nth-child(5) a").length).toBe(1);
  });
});

test("city-market-shops filters by day, store, type and full, with relative links", async () => {
  const files = [...sampleStores(3, "7290000000003"), ...sampleStores(30, "7290000000003", "Price")];
  const portal = await keep(startCityMarketShops(files));
  const rowsOf = async (query: string) => load(await text(`${portal.url}?${query}`))("table > tbody > tr").length;
  expect(await rowsOf("d=2026-01-02&s=&t=1&f=0")).toBe(20);
  expect(await rowsOf("d=2026-01-02&s=&t=1&f=0&p=2")).toBe(10);
  expect(await rowsOf("d=2026-01-02&s=&t=1&f=1")).toBe(3);
  expect(await rowsOf("d=&s=002&t=1&f=")).toBe(2);
  expect(await rowsOf("d=2026-01-03&s=&t=1&f=")).toBe(0);
  const page = load(await text(`${portal.url}?t=1&f=1`));
  const row = page("tbody > tr").first();
  expect(row.find("td:nth-child(3)").text()).toBe("PriceFull7290000000003-001-202601020210");
  expect(row.find("td:nth-child(6)").text()).toBe("0.3");
  expect(await bytes(portal.url + (row.find("td:nth-child(7) a").attr("href") ?? ""))).toEqual(bytesOf(files[0]));
});

test("netiv-hesed lists everything in one table, and can be down", async () => {
  const files = sampleStores(2, "7290058160839", "Price");
  const portal = await keep(startNetivHesed(files));
  const page = load(await text(portal.url));
  const row = page("table tr").eq(1);
  expect(row.text()).toContain("300 B");
  expect(await bytes(new URL(row.find("a").attr("href") ?? "", portal.url).href)).toEqual(bytesOf(files[0]));
  await portal.goDown();
  await expect(fetch(portal.url)).rejects.toThrow(/fetch failed/);
  await portal.comeBack();
  expect((await fetch(portal.url)).status).toBe(200);
});

test("meshnat-yosef-worker is a JSON array of names and absolute addresses", async () => {
  const files = sampleStores(2, "5144744100002", "Price");
  const portal = await keep(startMeshnatYosef(files));
  const rows = (await json(portal.url)) as { name: string; url: string }[];
  expect(rows.map((row) => row.name)).toEqual(files.map((file) => file.name));
  expect(await bytes(rows[1]?.url ?? "")).toEqual(bytesOf(files[1]));
});

test("wolt has a page per day with links in a list", async () => {
  const files = [
    sampleFile("PromoFull7290058249350-000-038-20260102-000027.gz", "2026-01-01T22:00:27Z"),
    sampleFile("Price7290058249350-000-038-20260101-100000.gz", "2026-01-01T08:00:00Z"),
  ];
  const portal = await keep(startWolt(files));
  const base = portal.chainOverrides()["wolt"]?.baseUrl ?? "";
  const linksOf = async (name: string) =>
    load(await text(base + name))("li a")
      .toArray()
      .map((anchor) => anchor.attribs["href"] ?? "");
  expect(await linksOf("index.html")).toEqual(["2026-01-01.html", "2026-01-02.html"]);
  const [link = ""] = await linksOf("2026-01-02.html");
  expect(await bytes(base + link)).toEqual(bytesOf(files[0]));
  expect(await linksOf("2025-12-31.html")).toEqual([]);
  const strict = await keep(startWolt(files, { emptyDay: "404" }));
  expect((await fetch(`${strict.url}isr-prices/public/v1/2025-12-31.html`)).status).toBe(404);
});

test.each(Object.entries(FAKE_PORTALS))(
  "%s starts, names its family in its override and takes other files",
  async (family, start) => {
    const portal = await keep(start(sampleStores(1)));
    const [override] = Object.values(portal.chainOverrides());
    expect(override).toMatchObject({
      portal: family,
      status: "active",
      hosts: ["127.0.0.1"],
      allowPrivateHosts: ["127.0.0.1"],
    });
    expect(override?.baseUrl.startsWith(portal.url)).toBe(true);
    portal.setFiles([]);
    expect(portal.served()).toEqual([]);
  },
);
