import { describe, expect, test } from "vitest";
import { UnreadableFileError } from "../../../shared/errors.ts";
import { truncatedGzip } from "../../fixtures/broken.ts";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { zipOf } from "../../fixtures/containers.ts";
import { renderPriceFile } from "../../fixtures/render/price.ts";
import { createStoreDay } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { type Parsed, parseBytes, productsOf } from "./helpers/parse.ts";

const chain = FIXTURE_CHAINS.alon;
const store = fixtureStore(createStoresList(chain, "2026-01-02", "broken", 3), 0);
const day = createStoreDay(createCatalogue("broken", 80), { chain, store, day: "2026-01-02" });

describe("containers that no reader can use", () => {
  test("a gzip of which nothing can be read is refused", async () => {
    await expect(parseBytes(Buffer.from([0x1f, 0x8b, 9, 9, 9, 9, 9, 9]))).rejects.toThrow(
      /nothing in it can be read: gzip/,
    );
  });

  test("a zip of which nothing can be read, an encrypted and an empty one are refused", async () => {
    const { bytes } = renderPriceFile(day, { dialect: "std-root", container: "zip" });
    const header = bytes.subarray(0, 30 + bytes.readUInt16LE(26));
    await expect(parseBytes(header)).rejects.toThrow(/nothing in it can be read: zip: its directory cannot be read/);
    const entry = { name: "a.xml", bytes: Buffer.from("<Root/>") };
    await expect(parseBytes(zipOf([{ ...entry, encrypted: true }]))).rejects.toThrow(/encrypted/);
    await expect(parseBytes(zipOf([]))).rejects.toThrow(UnreadableFileError);
    await expect(parseBytes(zipOf([{ name: "folder/", bytes: Buffer.alloc(0) }]))).rejects.toThrow(/without a file/);
  });
});

describe("what is salvaged of a damaged container", () => {
  test("a gzip that was cut short gives its complete rows and is incomplete", async () => {
    const file = truncatedGzip(day);
    const parsed = await parseBytes(file.bytes, { fileName: file.fileName });
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(day.items.slice(0, file.rows).map(({ code }) => code));
    expect(parsed.totals).toMatchObject({
      complete: false,
      rowsClaimed: file.count,
      rowsRead: file.rows,
      rowsRejected: 0,
    });
    expect(parsed.totals.problems.join("; ")).toMatch(/gzip: unexpected end of file.*rows are claimed/);
  });

  test("at every length, a gzip that was cut short gives only rows of the whole file, in order", async () => {
    const { bytes, fileName } = renderPriceFile(day, { dialect: "std-root" });
    const whole = productsOf(await parseBytes(bytes, { fileName }));
    for (let length = 200; length < bytes.length; length += 211) {
      const parsed = await parseBytes(bytes.subarray(0, length), { fileName }).catch((error: unknown) => error);
      if (parsed instanceof UnreadableFileError) continue;
      const { totals } = parsed as Parsed;
      const rows = productsOf(parsed as Parsed);
      expect(rows).toEqual(whole.slice(0, rows.length));
      expect(totals.complete).toBe(false);
    }
  }, 30_000);

  test.each(["zip", "zip-streamed", "zip-stored"] as const)(
    "at every length, a %s that was cut short gives only rows of the whole file, in order, and is incomplete",
    async (container) => {
      const small = { ...day, items: day.items.slice(0, 30) };
      const { bytes, fileName } = renderPriceFile(small, { dialect: "std-root", container });
      const whole = productsOf(await parseBytes(bytes, { fileName }));
      expect(whole).toHaveLength(30);
      let most = 0;
      for (let length = 200; length < bytes.length; length += 97) {
        const parsed = await parseBytes(bytes.subarray(0, length), { fileName }).catch((error: unknown) => error);
        if (parsed instanceof UnreadableFileError) continue;
        const { totals } = parsed as Parsed;
        const rows = productsOf(parsed as Parsed);
        expect(rows).toEqual(whole.slice(0, rows.length));
        expect(totals).toMatchObject({ complete: false, container: "zip" });
        expect(totals.problems[0]).toMatch(/zip: its directory cannot be read .*cut short/);
        most = Math.max(most, rows.length);
      }
      expect(most).toBe(30);
    },
  );

  test("a zip inside a gzip that was cut short is salvaged, and both are told", async () => {
    const { bytes, fileName } = renderPriceFile(day, { dialect: "std-root", container: "zip-in-gzip" });
    const parsed = await parseBytes(bytes.subarray(0, bytes.length - 600), { fileName });
    const rows = productsOf(parsed);
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.map((row) => row.ean)).toEqual(day.items.slice(0, rows.length).map(({ code }) => code));
    expect(parsed.totals).toMatchObject({ complete: false, container: "gzip+zip", rowsClaimed: day.items.length });
    expect(parsed.totals.problems.join()).toMatch(/gzip: unexpected end of file.*zip: its directory cannot be read/);
  });

  test("the first file of a zip behind a folder is salvaged, too", async () => {
    const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
    const folder = { name: "files/", bytes: Buffer.alloc(0), stored: true };
    const bytes = zipOf([folder, { name: "files/a.xml", bytes: Buffer.from(xml) }]);
    expect(productsOf(await parseBytes(bytes, { fileName }))).toHaveLength(day.items.length);
    const parsed = await parseBytes(bytes.subarray(0, bytes.length - 30), { fileName });
    expect(productsOf(parsed)).toHaveLength(day.items.length);
    expect(parsed.totals.complete).toBe(false);
  });

  test("a zip whose data are not those that its directory names is incomplete", async () => {
    const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
    const bytes = zipOf([{ name: "a.xml", bytes: Buffer.from(xml), stored: true }]);
    const at = bytes.indexOf("<ItemPrice>") + 11;
    bytes[at] = bytes[at] === 0x39 ? 0x38 : 0x39;
    const parsed = await parseBytes(bytes, { fileName });
    expect(parsed.totals).toMatchObject({ complete: false, rowsRead: day.items.length });
    expect(parsed.totals.problems.join()).toContain("zip: the checksum of its directory is another");
  });

  test("of a zip with several files the .xml is read, and said so", async () => {
    const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
    const bytes = zipOf([
      { name: "readme.txt", bytes: Buffer.alloc(100_000, "x") },
      { name: "a.XML", bytes: Buffer.from(xml) },
    ]);
    const parsed = await parseBytes(bytes, { fileName });
    expect(parsed.totals).toMatchObject({ complete: true, rowsRead: day.items.length });
    expect(parsed.totals.problems).toEqual(["the zip holds 2 files; the largest .xml was read"]);
  });
});
