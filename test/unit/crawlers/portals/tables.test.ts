import { describe, expect, test } from "vitest";
import { cityMarketShops } from "../../../../crawlers/portals/city-market-shops.ts";
import { haziHinam } from "../../../../crawlers/portals/hazi-hinam.ts";
import { matrix } from "../../../../crawlers/portals/matrix.ts";
import { netivHesed } from "../../../../crawlers/portals/netiv-hesed.ts";
import { LayoutNotRecognisedError } from "../../../../shared/errors.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const day = { since: "2026-01-02", until: "2026-01-02" };

describe("hazi-hinam", () => {
  const chain = chainOn("hazi-hinam", { baseUrl: "https://shop.test/Prices" });
  const NAME = "Promo7290000000077-000-207-20260102-103225";
  const pager = (last: number) =>
    `<ul><li class="page pagination-item"><a href="/Prices?d=2026-01-02&amp;t=2&amp;f=null&amp;p=1">1</a></li>
     <li class="page pagination-item"><a href="/Prices?d=2026-01-02&amp;t=2&amp;f=null&amp;p=${last}">${last}</a></li></ul>`;
  const link = `<td><a href="https://files.test/files/${NAME}.xml.gz">x</a></td>`;
  const tableOf = (row: string) => `<table><tbody>${row}</tbody></table>`;
  const current = `<tr><td>1</td><td>Promo</td><td> ${NAME} </td><td>207</td><td>1,204.5</td>${link}</tr>`;

  test("names get their extension, sizes in kilobytes are kept as text, and the pager is followed", async () => {
    const portal = portalAnswering(chain, () => tableOf(current) + pager(12));
    const files = await listAll(haziHinam, portal, { ...day, types: ["promo", "promo-full"] });
    expect(files[0]).toEqual({
      fileName: `${NAME}.xml.gz`,
      url: `https://files.test/files/${NAME}.xml.gz`,
      sizeBytes: null,
      listedAt: "1204.5 KB",
    });
    expect(new Set(portal.requests).size).toBe(12);
    expect(portal.requests.slice(0, 2)).toEqual([
      "https://shop.test/Prices?d=2026-01-02&t=2&f=null",
      "https://shop.test/Prices?d=2026-01-02&t=2&f=null&p=2",
    ]);
  });

  test("columns may move by one, as they did in 2025", async () => {
    const moved = `<tr><td>1</td><td>${NAME}</td><td>207</td><td>12.0</td>${link}</tr>`;
    const [file] = await listAll(
      haziHinam,
      portalAnswering(chain, () => tableOf(moved)),
      day,
    );
    expect(file).toMatchObject({ fileName: `${NAME}.xml.gz`, listedAt: "12.0 KB" });
  });

  test("always names a day: today and yesterday when none is asked for", async () => {
    const portal = portalAnswering(chain, () => tableOf(""));
    await listAll(haziHinam, portal);
    expect(portal.requests.map((url) => new URL(url).search)).toEqual([
      "?d=2026-01-02&t=null&f=null",
      "?d=2026-01-01&t=null&f=null",
    ]);
  });

  test("rows without links are a changed layout", async () => {
    const portal = portalAnswering(chain, () => tableOf("<tr><td>1</td><td>a</td></tr>"));
    await expect(listAll(haziHinam, portal, day)).rejects.toThrow(LayoutNotRecognisedError);
  });

  test("a link that was refused is looked up again", async () => {
    const portal = portalAnswering(chain, () => tableOf(current));
    const file = { fileName: `${NAME}.xml.gz`, fileType: "promo" as const, url: "https://files.test/old" };
    expect(await haziHinam.resolve(portal, { ...file, fresh: false })).toEqual({ url: "https://files.test/old" });
    expect(await haziHinam.resolve(portal, { ...file, fresh: true })).toEqual({
      url: `https://files.test/files/${NAME}.xml.gz`,
    });
  });
});

test("city-market-shops asks by kind and full or delta, and reads relative links", async () => {
  const chain = chainOn("city-market-shops", { baseUrl: "http://www.shops.test/" });
  const NAME = "PriceFull7290000000003-001-202601020300";
  const row = `<tr><td>1</td><td>x</td><td>${NAME}</td><td>a</td><td>b</td><td>77.1</td><td><a href="/Download/${NAME}.xml.gz">x</a></td></tr>`;
  const portal = portalAnswering(chain, () => `<table><tbody>${row}</tbody></table>`);
  const [file] = await listAll(cityMarketShops, portal, { ...day, types: ["price-full", "stores"] });
  expect(file).toEqual({
    fileName: `${NAME}.xml.gz`,
    url: `http://www.shops.test/Download/${NAME}.xml.gz`,
    sizeBytes: null,
    listedAt: "77.1 KB",
  });
  expect(portal.requests).toEqual([
    "http://www.shops.test/?d=2026-01-02&s=&t=1&f=1",
    "http://www.shops.test/?d=2026-01-02&s=&t=3&f=",
  ]);
});

test("netiv-hesed reads one table, skips its first row and finds the size anywhere in the row", async () => {
  const chain = chainOn("netiv-hesed", { baseUrl: "http://127.0.0.9/" });
  const html = `<table><tr><th>File</th><th>Size</th></tr><tr><td><a href="/prices/Price7290000000084-006-202601021233.gz">file</a></td><td>12.3 KB</td></tr></table>`;
  const answers = (body: string) => portalAnswering(chain, { "http://127.0.0.9/": body });
  expect(await listAll(netivHesed, answers(html))).toEqual([
    {
      fileName: "Price7290000000084-006-202601021233.gz",
      url: "http://127.0.0.9/prices/Price7290000000084-006-202601021233.gz",
      sizeBytes: null,
      listedAt: "12.3 KB",
    },
  ]);
  expect(await listAll(netivHesed, answers("<table><tr><td>File</td><td>Size</td></tr></table>"))).toEqual([]);
  await expect(listAll(netivHesed, answers("<p>closed</p>"))).rejects.toThrow(/without a table/);
});

test("matrix keeps the rows of its chain, by Hebrew name or id, and turns backslashes around", async () => {
  const chain = chainOn("matrix", {
    baseUrl: "https://matrix.test/",
    chainIds: ["7290000000046", "7290000000047"],
    settings: { hebrewName: "מומצא" },
  });
  const rowOf = (name: string, folder: string, file: string) =>
    `<tr><td>${name}</td><td>x</td><td><a href="CompetitionRegulationsFiles\\latest\\${folder}/${file}.xml.gz">x</a></td></tr>`;
  const html = `<table><tr><td>head</td><td>head</td></tr>${[
    rowOf("רשת מומצא", "1", "Promo7290000000046-087-202601022158-001"),
    rowOf("אחר", "7290000000046", "Price7290000000047-087-202601022158-001"),
    rowOf("אחר", "2", "Promo7290000000099-087-202601022158-001"),
  ].join("")}</table>`;
  const files = await listAll(matrix, portalAnswering(chain, { "https://matrix.test/": html }));
  expect(files.map((file) => file.url)).toEqual([
    "https://matrix.test/CompetitionRegulationsFiles/latest/1/Promo7290000000046-087-202601022158-001.xml.gz",
    "https://matrix.test/CompetitionRegulationsFiles/latest/7290000000046/Price7290000000047-087-202601022158-001.xml.gz",
  ]);
  const others = `<table><tr><td>h</td></tr>${rowOf("אחר", "2", "Promo7290000000099-087-202601022158-001")}</table>`;
  expect(await listAll(matrix, portalAnswering(chain, { "https://matrix.test/": others }))).toEqual([]);
});
