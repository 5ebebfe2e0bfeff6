import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import { bytesText, counted, durationText, formatOf, grouped, renderRows } from "../../../cli/output.ts";

const ROWS = [
  { name: "חלב, 3%", price: "6.90", at: new Date("2026-08-14T00:00:00Z"), note: null },
  { name: 'a "quoted"\nname', price: "12.00", at: null, note: { unit: "kg" } },
];
const COLUMNS = ["name", "price", "at", "note"];

describe("output", () => {
  test("JSON is one array with every value kept", () => {
    expect(JSON.parse(renderRows(ROWS, "json", COLUMNS))).toEqual([
      { name: "חלב, 3%", price: "6.90", at: "2026-08-14T00:00:00.000Z", note: null },
      { name: 'a "quoted"\nname', price: "12.00", at: null, note: { unit: "kg" } },
    ]);
    expect(JSON.parse(renderRows([], "json", []))).toEqual([]);
  });

  test("JSON writes a bigint as text, so that no digit is lost", () => {
    expect(JSON.parse(renderRows([{ id: 9_007_199_254_740_993n }], "json", ["id"]))).toEqual([
      { id: "9007199254740993" },
    ]);
  });

  test("CSV reads back the same, commas, quotes and line ends included", () => {
    expect(parse(renderRows(ROWS, "csv", COLUMNS))).toEqual([
      COLUMNS,
      ["חלב, 3%", "6.90", "2026-08-14T00:00:00.000Z", ""],
      ['a "quoted"\nname', "12.00", "", '{"unit":"kg"}'],
    ]);
  });

  test("CSV of no rows still has its header", () => {
    expect(renderRows([], "csv", ["a", "b"])).toBe("a,b\n");
  });

  test("a table aligns numbers to the right and has no spaces at line ends", () => {
    expect(
      renderRows(
        [
          { chain: "alon", files: 7 },
          { chain: "shufersal", files: 1234 },
        ],
        "table",
        ["chain", "files"],
      ),
    ).toBe("chain      files\nalon           7\nshufersal   1234\n");
    expect(renderRows([], "table", ["a"])).toBe("(no rows)\n");
  });

  test("JSON wins over CSV, and a table is the default", () => {
    expect([formatOf({}), formatOf({ csv: true }), formatOf({ json: true, csv: true })]).toEqual([
      "table",
      "csv",
      "json",
    ]);
  });

  test("counts, sizes and durations read like a person writes them", () => {
    expect([counted(1, "file"), counted(1234, "file"), counted(0, "entry", "entries")]).toEqual([
      "1 file",
      "1,234 files",
      "0 entries",
    ]);
    expect([0, 999, 1000, 1_500_000_000].map(bytesText)).toEqual(["0 B", "999 B", "1.0 KB", "1.5 GB"]);
    expect([0.4, 59, 250, 7500].map(durationText)).toEqual(["0 s", "59 s", "4 min 10 s", "2 h 5 min"]);
    expect(grouped(1234567)).toBe("1,234,567");
  });
});
