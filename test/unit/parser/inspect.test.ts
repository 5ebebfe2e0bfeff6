import { describe, expect, test } from "vitest";
import { inspectFile, type InspectedRow, inspectRows } from "../../../parser/inspect.ts";
import { UnreadableFileError } from "../../../shared/errors.ts";
import { htmlPage, truncatedGzip } from "../../fixtures/broken.ts";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { createPromotions } from "../../fixtures/promotions.ts";
import { renderPriceFile, streamPriceXml } from "../../fixtures/render/price.ts";
import { renderPromoFile } from "../../fixtures/render/promo.ts";
import { renderStoresFile } from "../../fixtures/render/stores.ts";
import { createStoreDay } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { chunksOf } from "./helpers/parse.ts";

const chain = FIXTURE_CHAINS.alon;
const list = createStoresList(chain, "2026-01-02", "inspect", 5);
const day = createStoreDay(createCatalogue("inspect", 40), {
  chain,
  store: fixtureStore(list, 0),
  day: "2026-01-02",
});

const options = (fileName: string) => ({ fileName, chain: "probe", maxExpandedBytes: 1e8 });

async function everyRow(bytes: Uint8Array, fileName: string): Promise<InspectedRow[]> {
  const found: InspectedRow[] = [];
  for await (const entry of inspectRows(chunksOf(bytes), options(fileName))) found.push(entry);
  return found;
}

describe("what is in a file", () => {
  test("is told with dialect, encoding, container, header, counts, and as many rows as asked for", async () => {
    const { bytes, fileName, truth } = renderPriceFile(day, { dialect: "std-root", encoding: "utf-16le" });
    const found = await inspectFile(chunksOf(bytes), { ...options(fileName), samples: 3 });
    expect(found).toMatchObject({
      kind: "price",
      name: {
        fileType: "price-full",
        chainId: chain.chainId,
        storeId: "001",
        publishedAt: "2026-01-02T03:00:00+02:00",
      },
      dialect: "std-root",
      encoding: "utf-16le",
      container: "gzip",
      header: { chainId: chain.chainId, storeId: "001", docVersion: "19" },
      rowsClaimed: truth.rows,
      rowsRead: truth.rows,
      rowsRejected: 0,
      rowsRepeated: 0,
      complete: true,
      unknownTags: {},
      problems: [],
    });
    expect(found.sampleRows.map((row) => row.line)).toEqual([1, 2, 3]);
  });

  test("counts tags that nobody knows, in rows and in the header, each under its published name", async () => {
    const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
    const renamed = xml
      .replaceAll("<ItemName>", "<ItemTitle>")
      .replaceAll("</ItemName>", "</ItemTitle>")
      .replace("<Items ", "<Currency>ILS</Currency><Items ");
    const found = await inspectFile(chunksOf(Buffer.from(renamed)), options(fileName));
    expect(found.unknownTags).toEqual({ ItemTitle: day.items.length, Currency: 1 });
    expect(found.header["Currency"]).toBe("ILS");
    expect(found.sampleRows[0]).toMatchObject({ extra: { ItemTitle: day.items[0]?.name } });
  });

  test("keeps rejected rows apart, with the first of them", async () => {
    const items = day.items.map((item, index) => (index % 4 === 0 ? { ...item, price: "free" } : item));
    const { fileName } = renderPriceFile(day, { dialect: "laib-new" });
    const bytes = Buffer.concat([...streamPriceXml(day, items, { dialect: "laib-new" })]);
    const found = await inspectFile(chunksOf(bytes), options(fileName));
    expect(found).toMatchObject({ rowsRead: 40, rowsRejected: 10, complete: true });
    expect(found.sampleRejected).toHaveLength(5);
    expect(found.sampleRejected[0]).toMatchObject({ line: 1, reason: "price is not a number", code: items[0]?.code });
  });

  test.each([
    ["price", renderPriceFile(day, { dialect: "matrix-products" }).bytes],
    ["promo", renderPromoFile(createPromotions(day, "inspect", 5), { dialect: "orderxml" }).bytes],
    ["promo", renderPromoFile(createPromotions(day, "inspect", 5), { dialect: "groups-2026" }).bytes],
    ["stores", renderStoresFile(list, { dialect: "abap-upper" }).bytes],
    ["stores", renderStoresFile(list, { dialect: "matrix-branches-bare" }).bytes],
  ])("is found to be of kind %s without a telling name", async (kind, bytes) => {
    const found = await inspectFile(chunksOf(bytes), options("download (3).bin"));
    expect(found).toMatchObject({ kind, name: null, complete: true, rowsRejected: 0 });
    expect(found.rowsRead).toBeGreaterThan(4);
  });

  test("is told of a file that was cut short, and refused of one that is none", async () => {
    const cut = truncatedGzip(day);
    const found = await inspectFile(chunksOf(cut.bytes), options(cut.fileName));
    expect(found).toMatchObject({ complete: false, rowsRead: 20, rowsClaimed: 40 });
    expect(found.problems.join()).toMatch(/gzip: unexpected end of file.*40 rows are claimed, 20 are there/);
    const page = htmlPage(day);
    await expect(inspectFile(chunksOf(page.bytes), options(page.fileName))).rejects.toThrow(UnreadableFileError);
  });

  test("of zero bytes depends on what the name promises", async () => {
    const nothing = (fileName: string) => inspectFile(chunksOf(Buffer.alloc(0)), options(fileName));
    expect(await nothing("PriceFull7290000000001-001-202601020300.gz")).toMatchObject({ complete: false });
    expect(await nothing("Price7290000000001-001-202601020300.gz")).toMatchObject({ complete: true, problems: [] });
  });
});

describe("every row of a file", () => {
  test("comes in the order of the file, rejected ones in their place, and the summary last", async () => {
    const items = day.items.map((item, index) => (index === 5 ? { ...item, price: "-1" } : item));
    const { bytes, fileName } = renderPriceFile({ ...day, items }, { dialect: "std-bina", container: "zip" });
    const found = await everyRow(bytes, fileName);
    expect(found).toHaveLength(41);
    const lines = found.map((entry) =>
      "row" in entry ? entry.row.line : "rejected" in entry ? entry.rejected.line : "summary",
    );
    expect(lines).toEqual([...items.map((_, index) => index + 1), "summary"]);
    expect(found[5]).toMatchObject({ rejected: { reason: "price is negative" } });
    expect(found.at(-1)).toMatchObject({ summary: { rowsRead: 40, complete: true } });
  });

  test("is read only as far as somebody asks for", async () => {
    const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
    let pieces = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(xml.slice(0, xml.indexOf("</Items>")));
      const row = Buffer.from(xml.slice(xml.indexOf("<Item>"), xml.indexOf("</Item>") + 7).repeat(200));
      for (;;) {
        pieces++;
        yield row;
      }
    }
    for await (const entry of inspectRows(endless(), options(fileName)))
      if ("row" in entry && entry.row.line > 100) break;
    expect(pieces).toBeLessThan(50);
  });
});
