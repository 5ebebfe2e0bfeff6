import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { parseText } from "../../unit/parser/helpers/parse.ts";
import { apply, emptyTables } from "./loading.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const name = (type: string, stamp = "202608140300") => `${type}7290000000001-001-${stamp}.gz`;

/** Parses a document and loads what came of it. */
async function load(fileName: string, xml: string): Promise<void> {
  const { messages } = await parseText(xml, { fileName });
  await apply(database.pool, messages);
}

async function only(sql: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query<Record<string, unknown>>(sql);
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
}

const price = (more: string) =>
  `<Root><ChainId>7290000000001</ChainId><Items><Item><ItemCode>7290000000013</ItemCode><ItemPrice>5.90</ItemPrice>${more}</Item></Items></Root>`;

describe("everything that a row publishes has its column", () => {
  test("of a price row: the product's facts with the item, the store's with the price", async () => {
    await load(
      name("PriceFull"),
      price(`<ItemName>חלב 3%</ItemName><ItemType>1</ItemType><ItemId>77</ItemId><ManufacturerName>מחלבה</ManufacturerName>
        <ManufactureCountry>IL</ManufactureCountry><ManufacturerItemDescription>חלב טרי בקרטון</ManufacturerItemDescription>
        <UnitQty>ליטר</UnitQty><Quantity>1.00</Quantity><UnitOfMeasure>100 מ"ל</UnitOfMeasure><bIsWeighted>0</bIsWeighted>
        <QtyInPackage>12</QtyInPackage><UnitOfMeasurePrice>0.59</UnitOfMeasurePrice><AllowDiscount>1</AllowDiscount>
        <ItemStatus>0</ItemStatus><PriceUpdateDate>2026-08-13 10:00:00</PriceUpdateDate><NewTag>מה זה</NewTag>`),
    );
    expect(await only("SELECT * FROM items")).toMatchObject({
      item_code: "7290000000013",
      name: "חלב 3%",
      manufacturer: "מחלבה",
      manufacturer_description: "חלב טרי בקרטון",
      country: "IL",
      unit: "l",
      quantity: "1",
      unit_qty: "ליטר",
      unit_of_measure: '100 מ"ל',
      qty_in_package: "12",
      weighted: false,
      item_type: "1",
    });
    expect(await only("SELECT * FROM prices")).toMatchObject({
      price: "5.90",
      unit_price: "0.59",
      updated_at: new Date("2026-08-13T10:00:00+03:00"),
      item_status: "0",
      allow_discount: true,
      internal_id: "77",
      extra: { NewTag: "מה זה" },
    });
    expect(await only("SELECT unknown_tags, rows_repeated FROM files")).toEqual({
      unknown_tags: { NewTag: 1 },
      rows_repeated: 0,
    });
  });

  test("a newer row replaces all of it, also by nothing", async () => {
    const full = "<ItemType>1</ItemType><ItemStatus>1</ItemStatus><AllowDiscount>0</AllowDiscount><NewTag>x</NewTag>";
    await load(name("Price"), price(`<UnitQty>גרם</UnitQty><QtyInPackage>6</QtyInPackage>${full}`));
    await load(name("Price", "202608140400"), price("<QtyInPackage>7</QtyInPackage>"));
    expect(await only("SELECT unit, unit_qty, qty_in_package, item_type FROM items")).toEqual({
      unit: null,
      unit_qty: null,
      qty_in_package: "7",
      item_type: null,
    });
    expect(await only("SELECT item_status, allow_discount, extra FROM prices")).toEqual({
      item_status: null,
      allow_discount: null,
      extra: null,
    });
  });

  test("of the same code twice the last update counts, with every field of its row", async () => {
    const row = (updated: string, status: string, id: string) =>
      `<Item><ItemCode>11</ItemCode><ItemPrice>${status}.00</ItemPrice><ItemStatus>${status}</ItemStatus><ItemId>${id}</ItemId><PriceUpdateDate>${updated}</PriceUpdateDate></Item>`;
    const rows = row("2026-08-13 10:00:00", "2", "b") + row("2026-08-12 10:00:00", "1", "a");
    await load(name("PriceFull"), `<Root><ChainId>7290000000001</ChainId><Items>${rows}</Items></Root>`);
    expect(await only("SELECT price, item_status, internal_id FROM prices")).toEqual({
      price: "2.00",
      item_status: "2",
      internal_id: "b",
    });
    expect(await only("SELECT rows_read, rows_repeated FROM files")).toEqual({ rows_read: 2, rows_repeated: 1 });
  });

  test("of a link of a promotion: its unknown tags", async () => {
    const link = "<Item><ItemCode>11</ItemCode><Aisle>7</Aisle></Item>";
    await load(
      name("PromoFull"),
      `<Root><Promotions><Promotion><PromotionId>1</PromotionId><Motto>יאללה</Motto><PromotionItems>${link}</PromotionItems></Promotion></Promotions></Root>`,
    );
    expect(await only("SELECT extra FROM promotion_items")).toEqual({ extra: { Aisle: "7" } });
    expect(await only("SELECT extra FROM promotions")).toEqual({ extra: { Motto: "יאללה" } });
  });

  test("of a store, and of the same store twice in one file the last update counts", async () => {
    const store = (updated: string, city: string) =>
      `<Store><StoreId>007</StoreId><BikoretNo>4</BikoretNo><StoreType>1</StoreType><StoreName>סניף</StoreName><City>${city}</City>
      <Latitude>32.0853</Latitude><Longitude>34.7818</Longitude><Phone>03</Phone><LastUpdateDate>${updated}</LastUpdateDate></Store>`;
    await load(
      "Stores7290000000001-202608140300.xml",
      `<Root><ChainId>7290000000001</ChainId><ChainName>רשת</ChainName><SubChains><SubChain><SubChainId>1</SubChainId>
      <SubChainName>תת</SubChainName><Stores>${store("31/07/2026 16:23:32", "חיפה")}${store("2026-07-01", "עכו")}</Stores></SubChain></SubChains></Root>`,
    );
    expect(await only("SELECT * FROM stores")).toMatchObject({
      store_code: "007",
      sub_chain_code: "1",
      sub_chain_name: "תת",
      city: "חיפה",
      latitude: "32.0853",
      chain_name: "רשת",
      check_digit: "4",
      updated_at: new Date("2026-07-31T16:23:32+03:00"),
      extra: { Phone: "03" },
    });
    expect(await only("SELECT rows_repeated FROM files")).toEqual({ rows_repeated: 1 });
  });

  test("a full file of zero bytes delists nothing, also when another follows", async () => {
    await load(name("PriceFull"), price(""));
    await load(name("PriceFull", "202608140400"), "");
    await load(name("PriceFull", "202608140500"), "");
    expect(await only("SELECT delisted_at FROM prices")).toEqual({ delisted_at: null });
    const { rows } = await database.pool.query<{ error: string | null }>(
      "SELECT complete, error FROM files WHERE file_name <> $1",
      [name("PriceFull")],
    );
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row).toMatchObject({ complete: false });
      expect(row.error).toMatch(/^nothing is delisted by this full file/);
    }
  });
});
