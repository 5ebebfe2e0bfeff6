import { hash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { MasterKeys, ownMasterId } from "../../../parser/master/master-key.ts";
import { DateReader, NO_DATE } from "../../../parser/normalise/dates.ts";
import { gtin14 } from "../../../parser/normalise/gtin.ts";
import { decimalOrNothing, divideDecimals, readMoney } from "../../../parser/normalise/numbers.ts";
import { cleanMaker, cleanText, readBoolean } from "../../../parser/normalise/text.ts";
import { canonicalSize, UnitReader } from "../../../parser/normalise/units.ts";
import { SeenCodes } from "../../../parser/seen-codes.ts";

describe("money", () => {
  test.each([
    ["12.90", "12.90"],
    ["12", "12.00"],
    ["12.0000", "12.00"],
    ["51.1400", "51.14"],
    ["0.1234", "0.1234"],
    [" 7.5\u00a0", "7.50"],
    ["007.50", "7.50"],
    [".5", "0.50"],
    ["5.", "5.00"],
    ["0.00", "0.00"],
    ["-0.00", "0.00"],
    ["-3.5", "-3.50"],
    ["999999999999999.99", "999999999999999.99"],
    ["1.1234560000", "1.123456"],
  ])("%s is %s, exactly", (text, value) => expect(readMoney(text)).toEqual({ value }));

  test.each([
    ["", "missing"],
    [undefined, "missing"],
    ["   ", "missing"],
    ["abc", "not a number"],
    ["1e3", "not a number"],
    ["12.9.0", "not a number"],
    ["1,234.50", "not a number"],
    ["12,90", "not a number"],
    ["NaN", "not a number"],
    [".", "not a number"],
    ["-", "not a number"],
    ["+5", "not a number"],
    ["לא ידוע", "not a number"],
    ["9999999999999999.00", "absurd"],
    ["1.1234567", "absurd"],
  ])("%s is %s", (text, problem) => expect(readMoney(text)).toEqual({ problem }));

  test("is divided exactly, half up to four decimals", () => {
    expect(divideDecimals("10.00", "3")).toBe("3.3333");
    expect(divideDecimals("22.90", "2")).toBe("11.45");
    expect(divideDecimals("0.05", "1000")).toBe("0.0001");
    expect(divideDecimals("9.90", "5")).toBe("1.98");
  });
});

test("quantities lose trailing zeros and keep their sign; words are nothing", () => {
  expect(["500.00", "0.010", "-74400", "12.0000", "לא ידוע", ""].map(decimalOrNothing)).toEqual([
    "500",
    "0.01",
    "-74400",
    "12",
    undefined,
    undefined,
  ]);
});

describe("dates", () => {
  const dates = new DateReader();
  test.each([
    ["2024-10-26 14:31:00", "2024-10-26T14:31:00+03:00"],
    ["2023-07-31 08:50", "2023-07-31T08:50:00+03:00"],
    ["2024-03-03", "2024-03-03T00:00:00+02:00"],
    ["2023/07/31 16:16:14", "2023-07-31T16:16:14+03:00"],
    ["2026-07-28T09:30:00.000", "2026-07-28T09:30:00+03:00"],
    ["31/07/2022 16:23:32", "2022-07-31T16:23:32+03:00"],
    ["2031-01-01T02:59:00.000", "2031-01-01T02:59:00+02:00"],
    ["20240303", "2024-03-03T00:00:00+02:00"],
    ["202403031210", "2024-03-03T12:10:00+02:00"],
    [" 2024-3-3 ", "2024-03-03T00:00:00+02:00"],
    ["2024-03-03T10:00:00Z", "2024-03-03T10:00:00+00:00"],
    ["2024-03-03 24:00", "2024-03-04T00:00:00+02:00"],
    // The clocks change on 2026-03-27 at 02:00 and on 2026-10-25 at 02:00.
    ["2026-03-27 01:59:59", "2026-03-27T01:59:59+02:00"],
    ["2026-03-27 03:00:00", "2026-03-27T03:00:00+03:00"],
    ["2026-10-25 00:30:00", "2026-10-25T00:30:00+03:00"],
    ["2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00"],
    // Between 02:00 and 03:00 there is no such hour in spring: the clock then stood one hour later.
    ["2026-03-27 02:30:00", "2026-03-27T03:30:00+03:00"],
    // Twice in autumn: the second time counts.
    ["2026-10-25 01:30:00", "2026-10-25T01:30:00+02:00"],
    ["2015-01-01 00:00:00", "2015-01-01T00:00:00+02:00"],
    ["3/7/2023", "2023-07-03T00:00:00+03:00"],
    ["2023.07.31 08:50", "2023-07-31T08:50:00+03:00"],
  ])("%s is %s", (text, iso) => {
    expect(dates.read(text)).toBe(iso);
    expect(dates.read(text), "from the cache").toBe(iso);
  });

  test.each(["", "  ", "1899-12-30 00:00", "0001-01-01", "0000-00-00", "00000000"])("%j is no date at all", (text) =>
    expect(dates.read(text)).toBeUndefined(),
  );

  test.each(["2024-13-45", "31/02/2026", "yesterday", "2026-02-30 10:00:00", "2026-01-01 25:00", "2026-01-01 10:61"])(
    "%s is impossible",
    (text) => expect(dates.read(text)).toBe(NO_DATE),
  );

  test.each(["2026-07-01T12:00:00Z", "2026-12-01T12:00:00Z"])(
    "the hour that comes twice is the second, asked in %s",
    (now) => {
      vi.setSystemTime(now);
      try {
        expect(new DateReader().read("2026-10-25 01:30:00")).toBe("2026-10-25T01:30:00+02:00");
        expect(new DateReader().read("2026-03-27 02:30:00")).toBe("2026-03-27T03:30:00+03:00");
      } finally {
        vi.useRealTimers();
      }
    },
  );

  test("date and hour may stand in two elements", () => {
    expect(dates.readPair("2026-03-07", "23:59:00")).toBe("2026-03-07T23:59:00+02:00");
    expect(dates.readPair("2026-03-07", "02:59:00.000")).toBe("2026-03-07T02:59:00+02:00");
    expect(dates.readPair("2026-03-07 00:00", "08:00")).toBe("2026-03-07T08:00:00+02:00");
    expect(dates.readPair("2026-03-07", "")).toBe("2026-03-07T00:00:00+02:00");
    expect(dates.readPair("", "08:00")).toBeUndefined();
    expect(dates.readPair("2026-03-07", "soon")).toBe(NO_DATE);
  });
});

describe("units", () => {
  const units = new UnitReader();
  test.each([
    ["g", "גרם|גרמים|100 גרם|16 גרם|1 גרם|גר'"],
    ["kg", "ק\"ג|קילוגרם|קילוגרמים|1קילוגרם|1 קילוגרם|1 ק\"ג|ק״ג|ק''ג"],
    ["ml", `מ"ל|מ'ל|מל|מיליליטר|מיליליטרים|100 מ"ל|100 מ'ל|100 מיליליטר`],
    ["l", "ליטר|ליטרים|1ליטר|1 ליטר| ליטר  "],
    ["unit", "יחידה|יחידות|יח'|1 יח'|100 יח'|1 יחידה"],
    ["m", "מטר|מטרים"],
    [undefined, "|לא ידוע|0000000000|00000|0.00|1|100.00|1.00|---|???¨?? 100"],
  ])("%s is spelled in many ways", (unit, spellings) => {
    for (const text of spellings.split("|")) expect(units.read(text).unit, text).toBe(unit);
  });

  test("the quantity is the published one, else the number in the unit text; zero is none", () => {
    expect(canonicalSize(units.read("גרם"), units.read("100 גרם"), "500")).toEqual({ unit: "g", quantity: "500" });
    expect(canonicalSize(units.read("16 גרם"), units.read(""), "0")).toEqual({ unit: "g", quantity: "16" });
    expect(canonicalSize(units.read(""), units.read('100 מ"ל'), "750")).toEqual({ unit: "ml", quantity: "750" });
    expect(canonicalSize(units.read(""), units.read("100.00"), "0")).toEqual({ unit: undefined, quantity: undefined });
  });
});

describe("item codes", () => {
  test.each([
    ["7290000149844", "07290000149844"],
    ["96385074", "00000096385074"],
    ["036000291452", "00036000291452"],
    ["36000291452", "00036000291452"],
    ["17290000149841", "17290000149841"],
    ["0036000291452", "00036000291452"],
  ])("%s is GTIN %s", (code, gtin) => expect(gtin14(code)).toBe(gtin));

  test.each([
    ["a wrong check digit", "7290000149845"],
    ["in-store, 2x", "2900000000346"],
    ["in-store, 02 in thirteen digits", "0212345678903"],
    ["in-store, UPC-A number system 2", "212345678903"],
    ["in-store, UPC-A number system 4", "412345678903"],
    ["a coupon, UPC-A number system 5", "512345678900"],
    ["GTIN-8 that begins with 2", "20123451"],
    ["GTIN-8 that begins with 0", "01234565"],
    ["zeros only", "0000000000000"],
    ["a short code padded with zeros", "0000000012347"],
    ["ten digits", "6000291452"],
    ["letters", "72900001498AB"],
    ["five digits", "11073"],
    ["fifteen digits", "117290000149841"],
  ])("%s is no GTIN", (_, code) => expect(gtin14(code)).toBeUndefined());

  test("masters are the GTIN as a number, or the chain's own above 10^14", () => {
    const masters = new MasterKeys("shufersal");
    expect(masters.of("7290000149844")).toEqual({
      gtin: "07290000149844",
      master_id: 7290000149844,
      master_key: "gtin:07290000149844",
      master_method: "barcode",
    });
    const own = masters.of("11073");
    expect(own).toMatchObject({ gtin: undefined, master_key: "own:shufersal:11073", master_method: "own" });
    // The first 53 bits of SHA-256, modulo 2^53 - 10^14, reckoned here without doubles.
    const first = BigInt(`0x${hash("sha256", "own:shufersal:11073").slice(0, 14)}`) >> 3n;
    expect(BigInt(own.master_id)).toBe(10n ** 14n + (first % (2n ** 53n - 10n ** 14n)));
    expect(Number.isSafeInteger(own.master_id)).toBe(true);
    expect(new MasterKeys("victory").of("11073").master_id).not.toBe(own.master_id);
    expect(ownMasterId("own:shufersal:11073")).toBe(own.master_id);
  });

  test("repeated codes are counted, leading zeros and letters told apart", () => {
    const seen = new SeenCodes();
    const codes = Array.from({ length: 50_000 }, (_, index) => String(7_290_000_000_000 + index * 10));
    for (const code of [...codes, "012", "12", "A1", "A2", "x".repeat(60), "y".repeat(60)]) seen.add(code);
    expect(seen.repeated).toBe(0);
    for (const code of ["12", "A1", codes[7] ?? "", "x".repeat(60)]) seen.add(code);
    expect(seen.repeated).toBe(4);
  });
});

test("texts lose what stands around them and placeholders; what stands inside is kept", () => {
  expect([" חלב  3%\u00a0", "\u200fטחינה\u200e", "---", ",", "לא ידוע", "", "a\u0092b"].map(cleanText)).toEqual([
    "חלב  3%",
    "טחינה",
    undefined,
    undefined,
    undefined,
    undefined,
    "a\u0092b",
  ]);
  expect([cleanMaker("General"), cleanText("General"), cleanMaker("תנובה")]).toEqual([undefined, "General", "תנובה"]);
  expect(["0", "1", " 1 ", "true", "", "2"].map(readBoolean)).toEqual([false, true, true, true, undefined, undefined]);
});
