import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { UnreadableFileError } from "../../../shared/errors.ts";
import {
  brokenFiles,
  duplicateCodes,
  gzipBomb,
  htmlPage,
  linkExpired,
  notXml,
  wrongPricesAndDates,
  zippedHtmlPage,
} from "../../fixtures/broken.ts";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { textEncoding } from "../../fixtures/encodings.ts";
import { renderPriceFile } from "../../fixtures/render/price.ts";
import { createStoreDay, type StoreItem } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { parseBytes, parseText, productsOf } from "./helpers/parse.ts";

const chain = FIXTURE_CHAINS.alon;
const store = fixtureStore(createStoresList(chain, "2026-01-02", "broken", 3), 0);
const day = createStoreDay(createCatalogue("broken", 80), { chain, store, day: "2026-01-02" });
const kinds = new Map(brokenFiles(day).map((file) => [file.kind, file]));

function broken(kind: string) {
  const file = kinds.get(kind);
  if (!file) throw new Error(`the generator has no ${kind}`);
  return file;
}

const item = (code: string, price = "5.00", more = "") =>
  `<Item><ItemCode>${code}</ItemCode><ItemName>name</ItemName>${more}<ItemPrice>${price}</ItemPrice></Item>`;
const root = (rows: string, count?: number) =>
  `<Root><ChainId>7290000000001</ChainId><StoreId>1</StoreId><Items${count === undefined ? "" : ` Count="${count}"`}>${rows}</Items></Root>`;

describe("what no reader can use", () => {
  test.each([
    ["an HTML page", htmlPage(day), /HTML page.*Service Unavailable/],
    ["an HTML page inside a gzip", zippedHtmlPage(day), /HTML page/],
    ["a line of text", linkExpired(day), /text instead of XML: "Link Expired"/],
    ["JSON", notXml(day), /JSON instead of XML/],
  ])("%s is refused by name", async (_, { bytes, fileName }, message) => {
    const reading = parseBytes(bytes, { fileName });
    await expect(reading).rejects.toThrow(UnreadableFileError);
    await expect(parseBytes(bytes, { fileName })).rejects.toThrow(message);
  });

  test("XML of somebody else is refused with its root", async () => {
    const xml = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    await expect(parseText(xml)).rejects.toThrow(/its root is <Error>/);
  });

  test("a promotions file under the name of a price file is refused", async () => {
    const promotion =
      "<Promotion><PromotionId>1</PromotionId><PromotionItems><Item><ItemCode>1</ItemCode></Item></PromotionItems></Promotion>";
    await expect(parseText(`<Root><Promotions>${promotion}</Promotions></Root>`)).rejects.toThrow(
      /named as a price file, but it holds <Promotions?>/,
    );
  });

  test.each(["text", "space"] as const)("a bomb of %s is stopped at the cap, which is named", async (filler) => {
    const { bytes, fileName } = gzipBomb(day, filler, 64 * 1024 * 1024);
    const reading = parseBytes(bytes, { fileName, maxExpandedBytes: 16_000_000 });
    await expect(reading).rejects.toThrow(/cap of 16000000 bytes|characters without a tag/);
  });
});

describe("what is salvaged", () => {
  test.each([
    ["zero bytes", Buffer.alloc(0), "empty"],
    ["blanks", Buffer.from(" \r\n"), "plain"],
    ["a gzip of nothing", gzipSync(""), "gzip"],
  ])("%s are a delta or a list without news, but never a full file", async (_, bytes, container) => {
    const parse = (fileName: string) => parseBytes(bytes, { fileName });
    for (const type of ["Price", "Promo", "Stores", "StoresFull"]) {
      const { totals } = await parse(`${type}7290000000001-001-202601020300.gz`);
      expect(totals).toMatchObject({ rowsRead: 0, complete: true, container, problems: [] });
    }
    for (const type of ["PriceFull", "PromoFull"]) {
      const { totals } = await parse(`${type}7290000000001-001-202601020300.gz`);
      expect(totals).toMatchObject({ rowsRead: 0, complete: false });
      expect(totals.problems).toEqual(["a full file without any content"]);
    }
  });

  test("a full file with an empty list, or a header only, is complete and empty", async () => {
    const header = "<ChainId>7290000000001</ChainId><StoreId>1</StoreId>";
    for (const xml of [
      `<Root>${header}<Items Count="0"/></Root>`,
      `<OrderXml><Envelope>${header}</Envelope></OrderXml>`,
    ]) {
      expect((await parseText(xml)).totals).toMatchObject({ rowsRead: 0, complete: true, problems: [] });
    }
  });

  test("a Count above the rows that are there makes the file incomplete", async () => {
    const { totals } = await parseText(root(item("12345"), 2));
    expect(totals).toMatchObject({ rowsClaimed: 2, rowsRead: 1, complete: false });
  });

  test("a Count below the rows that are there is told, and costs nothing", async () => {
    const { totals } = await parseText(root(item("12345") + item("54321"), 1));
    expect(totals).toMatchObject({ rowsClaimed: 1, rowsRead: 2, complete: true });
    expect(totals.problems).toEqual(["1 rows are claimed, but 2 are there"]);
  });

  test("windows-1255 declared as UTF-8 is read as what it is", async () => {
    const file = broken("wrong-charset");
    const parsed = await parseBytes(file.bytes, { fileName: file.fileName });
    expect(productsOf(parsed).map((row) => row.name)).toEqual(day.items.map(({ name }) => name));
    expect(parsed.totals).toMatchObject({ encoding: "windows-1255", complete: true });
    expect(parsed.totals.problems.join()).toContain("declared utf-8, but is windows-1255");
  });

  test.each([
    ["utf-8", [0xff]],
    ["utf-8", [0xd7]],
    ["utf-16le", [0x00, 0xd8]],
    ["utf-16be", [0xdc, 0x00]],
    ["windows-1255", [0xff]],
    ["windows-1255-undeclared", [0xdb]],
  ] as const)(
    "in %s, bytes %j that mean nothing are replaced and counted, and cost no row",
    async (encoding, wrong) => {
      const { bytes, fileName } = renderPriceFile(day, { dialect: "std-root", container: "plain", encoding });
      const { encode } = textEncoding(encoding);
      const at = bytes.indexOf(encode("<ItemName>"), 3000) + encode("<ItemName>").length;
      const parsed = await parseBytes(Buffer.concat([bytes.subarray(0, at), Buffer.from(wrong), bytes.subarray(at)]), {
        fileName,
      });
      const rows = productsOf(parsed);
      expect(rows).toHaveLength(day.items.length);
      expect(rows.filter((row) => row.name?.startsWith("\ufffd"))).toHaveLength(1);
      expect(parsed.totals).toMatchObject({ complete: true, problems: ["1 invalid bytes were replaced"] });
    },
  );

  test("half a character at the end of a UTF-16 file is counted", async () => {
    const { bytes, fileName } = renderPriceFile(day, { dialect: "std-root", container: "plain", encoding: "utf-16le" });
    const parsed = await parseBytes(Buffer.concat([bytes, Buffer.from([0x0a])]), { fileName });
    expect(parsed.totals).toMatchObject({ rowsRead: day.items.length, problems: ["1 invalid bytes were replaced"] });
  });
});

describe("rows that are wrong", () => {
  test("wrong prices are rejected with their code and reason; wrong dates cost only the date", async () => {
    const file = wrongPricesAndDates(day);
    const parsed = await parseBytes(file.bytes, { fileName: file.fileName });
    expect(parsed.rejected.map((row) => row.code)).toEqual(file.badPrices);
    expect(parsed.rejected.map((row) => row.reason)).toEqual([
      "price is missing",
      "price is not a number",
      "price is negative",
      "price is not a number",
      "price is not a number",
      "price is not a number",
      "price is absurd",
    ]);
    const rows = productsOf(parsed);
    expect(rows).toHaveLength(day.items.length - file.badPrices.length);
    expect(rows.filter((row) => row.updatedAt === undefined).map((row) => row.ean)).toEqual(file.badDates);
    expect(parsed.totals).toMatchObject({
      complete: true,
      rowsRead: day.items.length,
      rowsRejected: file.badPrices.length,
    });
    expect(parsed.totals.problems.join()).toContain("update time is no date and was left out in 4 rows");
  });

  test.each(["raw-markup", "unknown-entity", "external-entity", "entity-bomb", "control-characters"])(
    "%s costs only the rows in which it stands, and each is kept with its line, reason and code",
    async (kind) => {
      const file = broken(kind);
      const parsed = await parseBytes(file.bytes, { fileName: file.fileName });
      const every = kind === "external-entity" || kind === "entity-bomb" ? 1 : 3;
      const isHit = (entry: StoreItem, index: number) =>
        index % every === 0 ||
        (kind === "raw-markup" && /[&<]/.test(entry.name + entry.manufacturerDescription + entry.manufacturerName));
      const hit = day.items.filter(isHit).map(({ code }) => code);
      expect(parsed.rejected.map((row) => row.code)).toEqual(hit);
      expect(productsOf(parsed).map((row) => row.ean)).toEqual(
        day.items.filter((entry, index) => !isHit(entry, index)).map(({ code }) => code),
      );
      for (const row of parsed.rejected) expect(row.reason).toMatch(/^malformed XML: /);
      expect(parsed.rejected[0]?.raw).toContain("<ItemCode>");
      expect(parsed.totals).toMatchObject({ complete: true, rowsRead: day.items.length });
      expect(JSON.stringify(parsed.messages)).not.toContain("root:");
    },
  );

  test("a row whose closing tag is missing costs itself, not the next one", async () => {
    const parsed = await parseText(root(item("1111") + item("2222").replace("</Item>", "") + item("3333"), 3));
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["1111", "3333"]);
    expect(parsed.rejected).toMatchObject([{ line: 2, code: "2222", reason: "<Item> is not closed" }]);
    expect(parsed.totals.complete).toBe(true);
  });

  test("a last row whose closing tag is missing leaves the document whole", async () => {
    const parsed = await parseText(root(item("1111") + item("2222").replace("</Item>", ""), 2));
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["1111"]);
    expect(parsed.rejected).toMatchObject([{ line: 2, code: "2222" }]);
    expect(parsed.totals.complete).toBe(true);
  });

  test("a damaged opening tag costs its row", async () => {
    const parsed = await parseText(root(item("1111") + item("2222").replace("<Item>", "<Itm>") + item("3333")));
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["1111", "3333"]);
    expect(parsed.totals.rowsRejected).toBe(1);
  });

  test("a stray closing tag between rows costs nothing", async () => {
    const parsed = await parseText(root(`${item("1111")}</Foo>${item("2222")}`));
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["1111", "2222"]);
    expect(parsed.totals.problems.join()).toContain("closing tag without an opening one");
  });

  test("a closing tag inside a comment or CDATA ends nothing", async () => {
    const tricky = "<!-- </Item> --><Remark><![CDATA[</Item> <Item> & co]]></Remark>";
    const parsed = await parseText(root(item("1111", "5.00", tricky) + item("2222")));
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["1111", "2222"]);
    expect(productsOf(parsed)[0]?.extra).toEqual({ Remark: "</Item> <Item> & co" });
  });

  test("a raw & in the header costs no row", async () => {
    const xml = root(item("1111")).replace("<StoreId>", "<ChainName>A & B</ChainName><StoreId>");
    const parsed = await parseText(xml);
    expect(productsOf(parsed)).toHaveLength(1);
    expect(parsed.totals).toMatchObject({ complete: true, header: { chainName: "A & B", storeId: "1" } });
  });

  test("a row without an item code, an empty row and a placeholder code are rejected", async () => {
    const parsed = await parseText(root(`<Item><ItemPrice>1.00</ItemPrice></Item><Item/>${item("0000000000000")}`));
    expect(parsed.rejected.map((row) => row.reason)).toEqual([
      "no item code",
      "no item code",
      "item code is a placeholder of zeros",
    ]);
  });

  test("a thousand rejected rows are kept, all are counted, and the file then never delists", async () => {
    const rows = Array.from({ length: 1100 }, (_, index) => item(String(index + 1000), "x")).join("");
    const parsed = await parseText(root(rows));
    expect(parsed.rejected).toHaveLength(1000);
    expect(parsed.totals).toMatchObject({ rowsRead: 1100, rowsRejected: 1100, complete: false });
  });

  test("the same code twice is published twice, in the order of the file, and counted", async () => {
    const { items, code } = duplicateCodes(day);
    const { bytes, fileName } = renderPriceFile({ ...day, items }, { dialect: "std-root" });
    const parsed = await parseBytes(bytes, { fileName });
    expect(productsOf(parsed).filter((row) => row.ean === code)).toHaveLength(3);
    expect(parsed.totals.rowsRepeated).toBe(2);
    expect(parsed.totals.problems.join()).toContain("2 rows repeat a code");
  });
});

test("a promotion with an impossible date is rejected with its code, so that it is not withdrawn", async () => {
  const promotion = (id: string, end: string) =>
    `<Promotion><PromotionId>${id}</PromotionId><PromotionStartDate>2026-01-01</PromotionStartDate><PromotionEndDate>${end}</PromotionEndDate></Promotion>`;
  const xml = `<Root><Promotions>${promotion("7", "2026-13-45")}${promotion("8", "2026-02-01")}</Promotions></Root>`;
  const parsed = await parseBytes(gzipSync(xml), { fileName: "PromoFull7290000000001-001-202601020300.gz" });
  expect(parsed.rejected).toMatchObject([{ line: 1, code: "7", reason: 'end is no date: "2026-13-45"' }]);
  expect(parsed.totals).toMatchObject({ rowsRead: 2, rowsRejected: 1 });
});
