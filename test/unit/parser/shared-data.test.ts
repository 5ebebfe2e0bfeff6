import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HANDED_OVER, whyWithout } from "../../helpers/handed-over.ts";
import { parseBytes, type Parsed, productsOf, promotionsOf, storesOf, sumOf } from "./helpers/parse.ts";

const missing = whyWithout("data/real");

function real(fileName: string): Promise<Parsed> {
  return parseBytes(readFileSync(join(HANDED_OVER, "data/real", fileName)), { fileName });
}

const countBy = <T>(rows: readonly T[], key: (row: T) => string | undefined) =>
  Object.fromEntries([...Map.groupBy(rows, key)].map(([value, group]) => [String(value), group.length]));

describe.skipIf(missing !== null)(`the nine real files${missing ? ` (${missing})` : ""}`, () => {
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
    // Both rules are borne out by every row that they speak of.
    expect(countBy(rows, (row) => row.derivedRule)).toEqual({
      "cerberus-total-for-min-qty": 1925,
      "cerberus-weighted-price-per-kg": 5,
      undefined: 276,
    });
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
    expect(countBy(rows, (row) => row.derivedRule)).toEqual({
      "cerberus-total-for-min-qty": 2079,
      "cerberus-weighted-price-per-kg": 222,
      undefined: 52,
    });
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
