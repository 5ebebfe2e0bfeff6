import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseBytes, type Parsed, productsOf, promotionsOf, storesOf, sumOf } from "./helpers/parse.ts";

const SHARED = join(import.meta.dirname, "../../../../shared");
const isThere = existsSync(join(SHARED, "data/README.md"));
const skipped = isThere ? "" : " (skipped: ../shared is absent)";

function real(fileName: string): Promise<Parsed> {
  return parseBytes(readFileSync(join(SHARED, "data/real", fileName)), { fileName });
}

const countBy = <T>(rows: readonly T[], key: (row: T) => string | undefined) =>
  Object.fromEntries([...Map.groupBy(rows, key)].map(([value, group]) => [String(value), group.length]));

describe.skipIf(!isThere)(`the nine real files${skipped}`, () => {
  test("Super-Pharm's prices", async () => {
    const parsed = await real("PriceFull7290172900007-083-202409270311.xml");
    const rows = productsOf(parsed);
    expect(parsed.totals).toMatchObject({
      dialect: "orderxml",
      encoding: "utf-8",
      rowsRead: 5119,
      rowsRejected: 0,
      rowsClaimed: null,
      complete: true,
      unknownTags: {},
      problems: [],
      header: { chainId: "7290172900007", subChainId: "100", storeId: "83", checkDigit: "100" },
    });
    expect(new Set(rows.map((row) => row.ean)).size).toBe(5119);
    expect(countBy(rows, (row) => String(row.ean.length))).toEqual({ 8: 71, 11: 8, 12: 92, 13: 4948 });
    expect(sumOf(rows.map((row) => row.price))).toBe("287475.38");
    expect(sumOf(rows.map((row) => row.unitPrice))).toBe("13463.05");
    expect(sumOf(rows.map((row) => row.quantity))).toBe("37769.25");
    expect([rows[0]?.ean, rows.at(-1)?.ean]).toEqual(["7290000149844", "8693495052931"]);
    expect(rows.filter((row) => row.weighted !== false)).toEqual([]);
    expect(new Set(rows.map((row) => row.name)).size).toBe(5103);
    expect(rows.filter((row) => row.unitQtyRaw === undefined)).toHaveLength(4995);
    expect(rows.filter((row) => row.manufacturerDescription === undefined)).toHaveLength(26);
    const dates = rows.map((row) => row.updatedAt ?? "").sort();
    expect([dates[0], dates.at(-1)]).toEqual(["2011-12-06T00:00:00+02:00", "2024-09-26T00:00:00+03:00"]);
  });

  test("Rami Levy's promotions", async () => {
    const parsed = await real("PromoFull7290058140886-001-202602170010");
    const rows = promotionsOf(parsed);
    const links = rows.flatMap((row) => row.items);
    expect(parsed.totals).toMatchObject({ dialect: "std-root", rowsRead: 2206, rowsClaimed: 2206, complete: true });
    expect(parsed.totals).toMatchObject({ rowsRejected: 0, unknownTags: {}, problems: [] });
    expect(new Set(rows.map((row) => row.promotionCode)).size).toBe(2206);
    expect(links).toHaveLength(8750);
    expect(new Set(rows.flatMap((row) => row.items.map((link) => `${row.promotionCode} ${link.ean}`))).size).toBe(8641);
    expect(new Set(links.map((link) => link.ean)).size).toBe(7577);
    const gifts = links.filter((link) => link.isGift);
    expect([gifts.length, sumOf(gifts.map((link) => link.giftPrice))]).toEqual([112, "4767.50"]);
    expect(rows.find((row) => row.promotionCode === "1353502")?.items).toHaveLength(434);
    expect(sumOf(rows.map((row) => row.discountedPrice))).toBe("42372.80");
    expect(sumOf(rows.map((row) => row.discountedPricePerUnit))).toBe("32319.40");
    expect(sumOf(rows.map((row) => row.minQty))).toBe("133628.05");
    expect(sumOf(rows.map((row) => row.maxQty))).toBe("421.00");
    expect(sumOf(rows.map((row) => row.discountRate))).toBe("2042500.00");
    expect(countBy(rows, (row) => row.rewardType)).toEqual({ 1: 1930, 2: 219, 6: 37, 7: 8, 9: 9, 3: 3 });
    expect(
      countBy(
        rows.flatMap((row) => row.clubs),
        (club) => club,
      ),
    ).toEqual({ 0: 2134, 1: 46, 2: 35, 5: 1 });
    expect(rows.filter((row) => row.isCoupon === true)).toHaveLength(219);
    expect(rows.filter((row) => row.isActive === false)).toHaveLength(3);
    expect(rows.filter((row) => row.weighted === true)).toHaveLength(5);
    expect(rows.filter((row) => row.allowMultiple === false)).toHaveLength(44);
    expect(rows.flatMap((row) => row.remarks)).toHaveLength(108);
  });

  test("Keshet's promotions", async () => {
    const parsed = await real("PromoFull7290785400000-002-202602170010");
    const rows = promotionsOf(parsed);
    const links = rows.flatMap((row) => row.items);
    expect(parsed.totals).toMatchObject({ dialect: "std-root", rowsRead: 2353, rowsClaimed: 2353, complete: true });
    expect(links).toHaveLength(7529);
    expect(new Set(links.map((link) => link.ean)).size).toBe(7509);
    expect(countBy(links, (link) => link.itemType)).toEqual({ 1: 7250, 0: 279 });
    expect(sumOf(rows.map((row) => row.discountedPrice))).toBe("87359.31");
    expect(sumOf(rows.map((row) => row.discountedPricePerUnit))).toBe("56338.67");
    expect(sumOf(rows.map((row) => row.minQty))).toBe("3552.18");
    expect(
      countBy(
        rows.flatMap((row) => row.clubs),
        (club) => club,
      ),
    ).toEqual({ 0: 1974, 1: 379 });
    const weighted = rows.filter((row) => row.weighted === true);
    expect(weighted).toHaveLength(222);
    expect(weighted.filter((row) => row.derivedRule === "cerberus-weighted-price-per-kg")).toHaveLength(
      weighted.filter((row) => row.rewardType === "1").length,
    );
  });

  test("Shufersal's stores, with the update date after the list", async () => {
    const parsed = await real("Stores7290027600007-000-202410020201");
    const rows = storesOf(parsed);
    expect(parsed.totals).toMatchObject({ dialect: "abap-upper", rowsRead: 416, rowsRejected: 0, complete: true });
    expect(new Set(rows.map((row) => row.storeCode)).size).toBe(416);
    expect(countBy(rows, (row) => row.subChainCode)).toEqual({
      2: 103,
      5: 98,
      7: 95,
      1: 74,
      6: 21,
      50: 10,
      18: 8,
      4: 5,
      3: 2,
    });
    expect(countBy(rows, (row) => row.storeType)).toEqual({ 1: 412, 2: 1, undefined: 3 });
    expect(rows.filter((row) => row.address === undefined)).toHaveLength(12);
    expect(rows.filter((row) => row.city === undefined)).toHaveLength(13);
    expect(rows.filter((row) => row.zipCode === undefined)).toHaveLength(237);
    expect(new Set(rows.map((row) => row.updatedAt))).toEqual(new Set(["2024-10-02T00:00:00+03:00"]));
  });

  test.each([
    ["PromoFull7290058249350-000-038-20260217-000027", { subChainId: "000", checkDigit: "0" }],
    ["PromoFull7290172900007-350-202410030634.xml", { subChainId: "100", checkDigit: "100" }],
    ["Price7290725900003-9032-202410021600", { subChainId: "1", checkDigit: "9", dllVersion: "9.4.0.51" }],
    ["NULLPromo7290700100008-001-202411021400.xml", { subChainId: "1", checkDigit: "4", docVersion: "19" }],
    ["NULLPromo7290700100008-008-202411021410.xml", { subChainId: "1", checkDigit: "3", docVersion: "19" }],
  ])("%s is complete and empty", async (fileName, header) => {
    const { messages, totals } = await real(fileName);
    expect(messages.map((message) => message.items)).toEqual([[]]);
    expect(totals).toMatchObject({ rowsRead: 0, rowsRejected: 0, complete: true, problems: [], header });
  });
});

interface CatalogFile {
  file: string;
  items: number;
  distinctCodes: number;
  sumItemPrice: string;
}

describe.skipIf(!isThere)(`four days of real prices in seven dialects${skipped}`, () => {
  const days = ["2026-08-10", "2026-08-13", "2026-08-14", "2026-08-18"];
  // Every rotation of one day, one rotation of the others; GOGOBE_ALL_ROTATIONS=1 reads all 28.
  const all = process.env["GOGOBE_ALL_ROTATIONS"] === "1";
  const cases = days.flatMap((day, index) =>
    [0, 1, 2, 3, 4, 5, 6].filter((rotate) => all || index === 3 || rotate === index).map((rotate) => ({ day, rotate })),
  );

  test.each(cases)(
    "$day, rotated by $rotate, equals its truth",
    async ({ day, rotate }) => {
      const directory = mkdtempSync(join(tmpdir(), "gogobe-catalog-"));
      try {
        const tool = join(SHARED, "tools/catalog-to-pricefull.mjs");
        const csv = join(SHARED, `data/catalog/prices-${day}.csv.gz`);
        execFileSync(process.execPath, [tool, csv, directory, "--rotate", String(rotate)], { stdio: "ignore" });
        const truth = JSON.parse(readFileSync(join(directory, "truth.json"), "utf8")) as { files: CatalogFile[] };
        const found: CatalogFile[] = [];
        for (const { file } of truth.files) {
          const parsed = await parseBytes(readFileSync(join(directory, file)), { fileName: file });
          const rows = productsOf(parsed);
          expect(parsed.totals).toMatchObject({
            complete: true,
            rowsRejected: 0,
            unknownTags: {},
            rowsRead: rows.length,
          });
          found.push({
            file,
            items: rows.length,
            distinctCodes: new Set(rows.map((row) => row.ean)).size,
            sumItemPrice: sumOf(rows.map((row) => row.price)),
          });
        }
        expect(found).toEqual(
          truth.files.map(({ file, items, distinctCodes, sumItemPrice }) => ({
            file,
            items,
            distinctCodes,
            sumItemPrice,
          })),
        );
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
    60_000,
  );
});
