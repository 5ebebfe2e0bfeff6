import { describe, expect, test } from "vitest";
import { parseBytes, parseText, productsOf, storesOf } from "./helpers/parse.ts";

const stores = "Stores7290000000001-202601020300.xml";

describe("price layouts that differ in their details", () => {
  test.each([
    ["the list is the root", "<NewDataSet><ChainId>7290000000001</ChainId><StoreId>1</StoreId>@</NewDataSet>"],
    [
      "the list stands under a root",
      "<Root><ChainId>7290000000001</ChainId><StoreId>1</StoreId><NewDataSet>@</NewDataSet></Root>",
    ],
    [
      "a schema stands among the rows",
      '<NewDataSet><xs:schema xmlns:xs="x"><xs:element name="item"><xs:complexType><xs:sequence><xs:element name="ItemCode"/></xs:sequence></xs:complexType></xs:element></xs:schema>@<ChainId>7290000000001</ChainId><StoreId>1</StoreId></NewDataSet>',
    ],
  ])("newdataset: %s", async (_, document) => {
    const rows = ["11", "12"].map(
      (code) => `<item><ItemCode>${code}</ItemCode><ItemNm>a</ItemNm><ItemPrice>1.20</ItemPrice></item>`,
    );
    const parsed = await parseText(document.replace("@", rows.join("")));
    expect(parsed.totals).toMatchObject({ dialect: "newdataset", complete: true, rowsRejected: 0, unknownTags: {} });
    expect(parsed.totals.header).toMatchObject({ chainId: "7290000000001", storeId: "1" });
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["11", "12"]);
  });

  test("whatever stands in the list of a data set and holds fields is a row", async () => {
    const row = (code: string) => `<Table1><ItemCode>${code}</ItemCode><ItemPrice>1</ItemPrice></Table1>`;
    const parsed = await parseText(`<NewDataSet>${row("11")}${row("12")}</NewDataSet>`);
    expect(parsed.totals).toMatchObject({ dialect: "newdataset", rowsRead: 2, rowsRejected: 0 });
    expect(productsOf(parsed).map((product) => product.ean)).toEqual(["11", "12"]);
  });

  test("a single-byte file that declares ISO-8859-8 keeps the punctuation of windows-1255", async () => {
    const bytes = Buffer.concat([
      Buffer.from(
        '<?xml version="1.0" encoding="ISO-8859-8" standalone="no"?><OrderXml><Envelope><Header><Details><Line><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice><ItemName>',
      ),
      Buffer.from([0xf9, 0x92, 0x20, 0x94, 0x20, 0x96, 0xa0, 0xa4, 0xfa]),
      Buffer.from("</ItemName></Line></Details></Header></Envelope></OrderXml>"),
    ]);
    const parsed = await parseBytes(bytes);
    expect(productsOf(parsed)[0]?.name).toBe("ש\u2019 \u201d \u2013\u00a0\u20aaת");
    expect(parsed.totals).toMatchObject({ dialect: "orderxml", encoding: "windows-1255", problems: [] });
  });

  test("marks and blanks before the first tag are no part of the document", async () => {
    for (const marks of ["\ufeff\ufeff", "\u200f\r\n ", "\ufeff\u200e\t"]) {
      const xml = "<Root><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice></Item></Items></Root>";
      expect((await parseText(marks + xml)).totals).toMatchObject({ rowsRead: 1, complete: true, problems: [] });
    }
  });

  test("prefixes and namespaces, on any element, do not count", async () => {
    const xml = `<p:NewDataSet xmlns:p="urn:p"><p:ChainId>7290000000001</p:ChainId><d:item xmlns:d="urn:d"><d:ItemCode>11</d:ItemCode>
      <d:ItemPrice>1.20</d:ItemPrice><e:ItemNm xmlns:e="urn:e">a</e:ItemNm></d:item><d:item><d:ItemCode>12</d:ItemCode><d:ItemPrice>2</d:ItemPrice></d:item></p:NewDataSet>`;
    const parsed = await parseText(xml);
    expect(parsed.totals).toMatchObject({
      dialect: "newdataset",
      unknownTags: {},
      header: { chainId: "7290000000001" },
    });
    expect(productsOf(parsed)).toMatchObject([
      { ean: "11", price: "1.20", name: "a" },
      { ean: "12", price: "2.00" },
    ]);
  });

  test("every spelling of every tag, in any case, means its field", async () => {
    const spellings: [field: string, value: unknown, text: string, tags: string[]][] = [
      ["name", "n", "n", ["ItemName", "ItemNm", "ITEMNAME", "itemnm"]],
      ["manufacturerName", "m", "m", ["ManufacturerName", "ManufactureName", "MANUFACTURENAME"]],
      ["manufacturerDescription", "d", "d", ["ManufacturerItemDescription", "ManufactureItemDescription"]],
      ["country", "il", "il", ["ManufactureCountry"]],
      ["unitQtyRaw", "גרם", "גרם", ["UnitQty"]],
      ["quantity", "500", "500.00", ["Quantity"]],
      ["unitOfMeasureRaw", "גרם", "גרם", ["UnitOfMeasure", "UnitMeasure"]],
      ["weighted", true, "1", ["bIsWeighted", "blsWeighted", "BisWeighted"]],
      ["qtyInPackage", "6", "6", ["QtyInPackage"]],
      ["unitPrice", "0.50", "0.5", ["UnitOfMeasurePrice"]],
      ["allowDiscount", false, "0", ["AllowDiscount"]],
      ["itemStatus", "1", "1", ["ItemStatus", "itemStatus"]],
      ["itemType", "1", "1", ["ItemType"]],
      ["internalId", "9", "9", ["ItemId", "ItemID"]],
      ["updatedAt", "2026-01-01T10:00:00+02:00", "2026-01-01 10:00:00", ["PriceUpdateDate", "PriceUpdateTime"]],
    ];
    for (const [field, value, text, tags] of spellings) {
      for (const tag of tags) {
        const parsed = await parseText(
          `<Root><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice><${tag}>${text}</${tag}></Item></Items></Root>`,
        );
        expect(parsed.totals.unknownTags, tag).toEqual({});
        expect(productsOf(parsed)[0], tag).toMatchObject({ [field]: value });
      }
    }
  });

  test("of two tags for one field the first with a text counts", async () => {
    const parsed = await parseText(
      "<Root><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice><ItemName/><ItemNm>b</ItemNm><ItemName>c</ItemName></Item></Items></Root>",
    );
    expect(productsOf(parsed)[0]?.name).toBe("b");
  });

  test.each(["ChainId", "ChainID", "CHAINID"])(
    "a header in the casing of %s is read, other casings beside it",
    async (tag) => {
      const parsed = await parseText(
        `<root><${tag}>7290000000001</${tag}><SubChainID>2</SubChainID><storeid>1</storeid><BIKORETNO>5</BIKORETNO><items><item><itemcode>11</itemcode><ITEMPRICE>1</ITEMPRICE></item></items></root>`,
      );
      expect(parsed.totals.header).toEqual({
        chainId: "7290000000001",
        subChainId: "2",
        storeId: "1",
        checkDigit: "5",
      });
      expect(productsOf(parsed)).toMatchObject([{ ean: "11", price: "1.00" }]);
    },
  );

  test("several lists in one file are all read, and their counts add up", async () => {
    const item = (code: string) => `<Item><ItemCode>${code}</ItemCode><ItemPrice>1</ItemPrice></Item>`;
    const parsed = await parseText(
      `<Root><Items Count="2">${item("11")}${item("12")}</Items><ChainId>7290000000001</ChainId><Items Count="1">${item("13")}</Items></Root>`,
    );
    expect(productsOf(parsed).map((row) => row.ean)).toEqual(["11", "12", "13"]);
    expect(parsed.totals).toMatchObject({ rowsClaimed: 3, rowsRead: 3, complete: true });
  });

  test("where header and file name disagree, the name counts and it is told", async () => {
    const parsed = await parseText(
      "<Root><ChainId>72908</ChainId><StoreId>9</StoreId><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice></Item></Items></Root>",
      { fileName: "PriceFull7290000000001-083-202601020300.gz" },
    );
    expect(parsed.messages[0]).toMatchObject({ chainId: "7290000000001", storeId: "083" });
    expect(parsed.totals.problems).toEqual([
      "the header says chain 72908, the file name 7290000000001: the name counts",
      "the header says store 9, the file name 083: the name counts",
    ]);
  });
});

describe("values of a price row that make no sense", () => {
  test("cost their field alone, and are told with their first case; placeholders are simply nothing", async () => {
    const item = (more: string) => `<Item><ItemCode>11</ItemCode><ItemPrice>1.00</ItemPrice>${more}</Item>`;
    const parsed = await parseText(
      `<Root><Items>${item("<QtyInPackage>לא ידוע</QtyInPackage><Quantity/><bIsWeighted></bIsWeighted><UnitOfMeasurePrice>---</UnitOfMeasurePrice>")}
      ${item("<QtyInPackage>six</QtyInPackage><Quantity>1,5</Quantity><bIsWeighted>גרם</bIsWeighted><UnitOfMeasurePrice>99999999999999999999</UnitOfMeasurePrice>")}
      ${item("<AllowDiscount>2</AllowDiscount><PriceUpdateDate>soon</PriceUpdateDate>")}</Items></Root>`,
    );
    expect(parsed.totals.rowsRejected).toBe(0);
    const [, second] = productsOf(parsed);
    expect(JSON.parse(JSON.stringify(second))).toMatchObject({ ean: "11", price: "1.00" });
    for (const field of ["qtyInPackage", "quantity", "weighted", "unitPrice"] as const)
      expect(second?.[field]).toBeUndefined();
    expect(parsed.totals.problems).toEqual([
      "2 rows repeat a code of the same file: the last update counts",
      'quantity is no number and was left out in 1 row, first in row 2: "1,5"',
      'unitPrice is no number and was left out in 1 row, first in row 2: "99999999999999999999"',
      'weighted is neither 0 nor 1 and was left out in 1 row, first in row 2: "גרם"',
      'qtyInPackage is no number and was left out in 1 row, first in row 2: "six"',
      'update time is no date and was left out in 1 row, first in row 3: "soon"',
      'allowDiscount is neither 0 nor 1 and was left out in 1 row, first in row 3: "2"',
    ]);
  });

  test.each(["1899-12-30 00:00", "2015-01-01 00:00:00", ""])("an update time of %j is none", async (time) => {
    const parsed = await parseText(
      `<Root><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice><PriceUpdateDate>${time}</PriceUpdateDate></Item></Items></Root>`,
    );
    expect(productsOf(parsed)[0]?.updatedAt).toBeUndefined();
    expect(parsed.totals.problems).toEqual([]);
  });

  test("codes and ids stay text, however long, and with their zeros", async () => {
    const codes = ["0012345", "72900001498440000000000001", "7290000149844", "A-17"];
    const items = codes.map(
      (code) =>
        `<Item><ItemCode> ${code} </ItemCode><ItemPrice>1</ItemPrice><ItemId>99999999999999999999</ItemId></Item>`,
    );
    const rows = productsOf(await parseText(`<Root><Items>${items.join("")}</Items></Root>`));
    expect(rows.map((row) => row.ean)).toEqual(codes);
    expect(new Set(rows.map((row) => row.internalId))).toEqual(new Set(["99999999999999999999"]));
  });
});

describe("stores layouts that differ in their details", () => {
  test("a row may say more than its list: place, times, chain", async () => {
    const xml = `<Root><ChainId>7290000000001</ChainId><LastUpdateDate>2024-10-02</LastUpdateDate><LastUpdateTime>08:30:00</LastUpdateTime><SubChains>
      <SubChain><SubChainId>1</SubChainId><SubChainName>א</SubChainName><Stores>
        <Store><StoreId>001</StoreId><ZIPCode>unknown</ZIPCode><StoreType>3</StoreType><Latitude>32.0853</Latitude><Longitude>-0.50</Longitude></Store>
        <Store><StoreId>2</StoreId><ZipCode>0</ZipCode><LastUpdateDate>31/07/2022 16:23:32</LastUpdateDate></Store></Stores></SubChain>
      <SubChain><SubChainId>1</SubChainId><SubChainName>אא</SubChainName><LastUpdateDate>2024-09-01</LastUpdateDate><Stores>
        <Store><StoreId>3</StoreId><Latitude>north</Latitude></Store></Stores></SubChain></SubChains></Root>`;
    const parsed = await parseText(xml, { fileName: stores });
    expect(parsed.totals).toMatchObject({ rowsRead: 3, rowsRejected: 0, unknownTags: {}, complete: true });
    const [first, second, third] = storesOf(parsed);
    expect(first).toMatchObject({
      storeCode: "001",
      storeType: "3",
      latitude: "32.0853",
      longitude: "-0.5",
      subChainName: "א",
    });
    expect(first).toMatchObject({ chainId: "7290000000001", updatedAt: "2024-10-02T08:30:00+03:00" });
    expect(first?.zipCode).toBeUndefined();
    expect(second).toMatchObject({ zipCode: "0", updatedAt: "2022-07-31T16:23:32+03:00" });
    expect(third).toMatchObject({ subChainCode: "1", subChainName: "אא", updatedAt: "2024-09-01T00:00:00+03:00" });
    expect(parsed.totals.problems).toEqual([
      'latitude is no number and was left out in 1 row, first in row 3: "north"',
    ]);
  });

  test("the header may come after the stores, in every casing", async () => {
    const xml = `<Chain><SubChains><SubChain><Stores><Store><StoreID>1</StoreID></Store></Stores><SubChainID>7</SubChainID><SubChainName>ב</SubChainName></SubChain></SubChains>
      <CHAINID>7290000000001</CHAINID><ChainName>רשת</ChainName></Chain>`;
    const [row] = storesOf(await parseText(xml, { fileName: stores }));
    expect(row).toMatchObject({
      storeCode: "1",
      subChainCode: "7",
      subChainName: "ב",
      chainId: "7290000000001",
      chainName: "רשת",
    });
  });

  test("the same store twice is counted, zeros in front or not", async () => {
    const xml =
      "<Root><Stores><Store><StoreId>007</StoreId></Store><Store><StoreId>7</StoreId></Store></Stores></Root>";
    expect((await parseText(xml, { fileName: stores })).totals).toMatchObject({ rowsRead: 2, rowsRepeated: 1 });
  });
});
