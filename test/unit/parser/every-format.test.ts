import { describe, expect, test } from "vitest";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { CONTAINERS, type FixtureContainer } from "../../fixtures/containers.ts";
import { charsetOf, ENCODINGS, type FixtureEncoding } from "../../fixtures/encodings.ts";
import { createPromotions } from "../../fixtures/promotions.ts";
import { renderPriceFile } from "../../fixtures/render/price.ts";
import { PRICE_DIALECTS, PRICE_LAYOUTS, type PriceDialect } from "../../fixtures/render/price-dialects.ts";
import { renderPromoFile } from "../../fixtures/render/promo.ts";
import { PROMO_DIALECTS, PROMO_LAYOUTS, type PromoDialect } from "../../fixtures/render/promo-dialects.ts";
import { renderStoresFile, STORES_DIALECTS, type StoresDialect } from "../../fixtures/render/stores.ts";
import { createStoreDay } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { FormatsTable } from "./helpers/formats-table.ts";
import { parseBytes, productsOf, promotionsOf, storesOf, sumOf } from "./helpers/parse.ts";

const chain = FIXTURE_CHAINS.alon;
const list = createStoresList(chain, "2026-01-02", "formats", 14);
const store = fixtureStore(list, 0);
const day = createStoreDay(createCatalogue("formats", 30), { chain, store, day: "2026-01-02" });
const promotions = createPromotions(day, "formats", 24);

/** What the parser calls the layouts of the generator. */
const PRICE_IDS: Record<PriceDialect, string> = {
  "std-root": "std-root",
  "std-bina": "std-root",
  "std-manufacture": "std-root",
  "laib-new": "laib-new",
  "matrix-products": "matrix-products",
  orderxml: "orderxml",
  newdataset: "newdataset",
  "std-2026": "laib-new",
};
const PROMO_IDS: Record<PromoDialect, string> = {
  "std-root": "std-root",
  "std-bina": "std-root",
  "laib-new": "laib-new",
  "groups-2026": "groups-2026",
  wolt: "wolt",
  "matrix-sales": "matrix-sales",
  orderxml: "orderxml",
  "no-header": "std-root",
};
const STORES_IDS: Record<StoresDialect, string> = {
  "subchains-Id": "subchains-Id",
  "subchains-ID-rows": "subchains-ID-rows",
  "subchains-ID": "subchains-ID",
  "subchains-laib": "subchains-laib",
  "subchains-xmlobject": "subchains-xmlobject",
  "subchains-xmlobject-list": "subchains-xmlobject",
  "abap-upper": "abap-upper",
  "matrix-branches": "matrix-branches",
  "matrix-branches-bare": "matrix-branches",
};

const SUB_CHAINS = "SubChains/SubChain/Stores/Store";
const XML_OBJECTS = "SubChainsXMLObject/SubChainXMLObject/Stores/SubChainStoresXMLObject/Store";
const STORES_PATHS: Record<StoresDialect, string> = {
  "subchains-Id": `Root/${SUB_CHAINS}`,
  "subchains-ID-rows": `Root/${SUB_CHAINS}`,
  "subchains-ID": `Chain/${SUB_CHAINS}`,
  "subchains-laib": `Root/${SUB_CHAINS}`,
  "subchains-xmlobject": `StoresXMLObject/${XML_OBJECTS}`,
  "subchains-xmlobject-list": `StoresXMLObject/${XML_OBJECTS}/SubChainStoreXMLObject`,
  "abap-upper": "asx:abap/asx:values/STORES/STORE",
  "matrix-branches": "Stores/Branches/Branch",
  "matrix-branches-bare": "Store/Branch",
};

/** What the parser tells of a declaration that is wrong. */
const TOLD: Partial<Record<FixtureEncoding, string>> = {
  "utf-8-as-iso-8859-8": "declared ISO-8859-8, but is utf-8",
  "utf-8-as-utf-16": "declared utf-16, but is not",
  "windows-1255-as-utf-8": "declared utf-8, but is windows-1255",
};
const toldOf = (encoding: FixtureEncoding) => [TOLD[encoding]].filter((problem) => problem !== undefined);

const UNWRAPPED: Record<FixtureContainer, string> = {
  gzip: "gzip",
  "gzip-multi-member": "gzip",
  "gzip-in-gzip": "gzip+gzip",
  plain: "plain",
  zip: "zip",
  "zip-stored": "zip",
  "zip-streamed": "zip",
  "zip-in-gzip": "gzip+zip",
};

const WRAPPINGS = ENCODINGS.flatMap((encoding) => CONTAINERS.map((container) => ({ encoding, container })));
const shown = new FormatsTable();
const hundredths = (decimal: string | null) => (decimal === null ? null : Math.round(Number(decimal) * 100));

describe.each(PRICE_DIALECTS)("a price file of dialect %s", (dialect) => {
  test.each(WRAPPINGS)("in $encoding and $container gives every row and figure", async ({ encoding, container }) => {
    const { bytes, truth, fileName } = renderPriceFile(day, { dialect, encoding, container });
    const parsed = await parseBytes(bytes, { fileName, chunkBytes: 1000 });
    const rows = productsOf(parsed);
    expect(parsed.totals).toMatchObject({
      dialect: PRICE_IDS[dialect],
      encoding: charsetOf(encoding),
      container: UNWRAPPED[container],
      rowsRead: truth.rows,
      rowsRejected: 0,
      rowsClaimed: truth.count,
      complete: true,
      unknownTags: {},
      problems: toldOf(encoding),
      header: { chainId: truth.header.chainId, storeId: truth.header.storeId },
    });
    expect(rows).toHaveLength(truth.rows);
    expect(rows.map((row) => row.line)).toEqual(rows.map((_, index) => index + 1));
    expect(rows.map((row) => row.ean)).toEqual(day.items.map((item) => item.code));
    expect(rows.map((row) => row.name)).toEqual(day.items.map((item) => item.name));
    expect(rows.map((row) => row.price)).toEqual(day.items.map((item) => item.price));
    expect(rows.map((row) => row.gtin ?? null)).toEqual(day.items.map((item) => item.gtin));
    expect(rows.map((row) => row.weighted)).toEqual(day.items.map((item) => item.weighted));
    expect(hundredths(sumOf(rows.map((row) => row.unitPrice)))).toBe(hundredths(truth.sumUnitPrice));
    expect(rows.filter((row) => row.updatedAt !== undefined)).toHaveLength(truth.dated);
    shown.pass("price", dialect, encoding, container);
  });

  test("is the same when the header comes after the rows", async () => {
    const usual = renderPriceFile(day, { dialect });
    const late = renderPriceFile(day, { dialect, headerLast: true });
    const [first, second] = [await parseBytes(usual.bytes), await parseBytes(late.bytes)];
    expect(productsOf(second)).toEqual(productsOf(first));
    expect(second.totals.header).toEqual(first.totals.header);
    expect(second.totals.complete).toBe(true);
  });

  test("without rows is complete and empty", async () => {
    const { bytes, truth, fileName } = renderPriceFile({ ...day, items: [] }, { dialect });
    const { messages, totals } = await parseBytes(bytes, { fileName });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ items: [], rejected: [], isLast: true, batchIndex: 0 });
    expect(totals).toMatchObject({ rowsRead: 0, rowsClaimed: truth.count, complete: true, problems: [] });
  });
});

describe.each(PROMO_DIALECTS)("a promotions file of dialect %s", (dialect) => {
  test.each(WRAPPINGS)("in $encoding and $container gives every row and figure", async ({ encoding, container }) => {
    const { bytes, truth, fileName } = renderPromoFile(promotions, { dialect, encoding, container });
    const parsed = await parseBytes(bytes, { fileName, chunkBytes: 1000 });
    const rows = promotionsOf(parsed);
    const links = rows.flatMap((row) => row.items);
    expect(parsed.totals).toMatchObject({
      dialect: PROMO_IDS[dialect],
      encoding: charsetOf(encoding),
      container: UNWRAPPED[container],
      rowsRead: truth.rowElements,
      rowsRejected: 0,
      rowsClaimed: truth.count,
      complete: true,
      unknownTags: {},
    });
    expect(rows.map((row) => row.promotionCode)).toEqual(promotions.promotions.map(({ id }) => id));
    expect(links).toHaveLength(truth.links);
    expect(new Set(links.map((link) => link.ean)).size).toBe(truth.distinctCodes);
    expect(links.filter((link) => link.isGift)).toHaveLength(truth.gifts);
    expect(rows.reduce((sum, row) => sum + row.clubs.length, 0)).toBe(truth.clubs);
    expect(rows.reduce((most, row) => Math.max(most, row.items.length), 0)).toBe(truth.mostLinks);
    expect(rows.reduce((sum, row) => sum + row.remarks.length, 0)).toBe(truth.remarks);
    expect(rows.filter((row) => row.isCoupon === true)).toHaveLength(truth.coupons);
    expect(hundredths(sumOf(links.map((link) => link.giftPrice)))).toBe(hundredths(truth.sumGiftPrice ?? "0"));
    expect(rows.every((row) => row.startsAt !== undefined && row.endsAt !== undefined)).toBe(true);
    expect(parsed.totals.problems.map((problem) => /left out in (\d+) row/.exec(problem)?.[1] ?? problem)).toEqual([
      ...toldOf(encoding),
      ...(truth.placeholders > 0 ? [String(truth.placeholders)] : []),
    ]);
    shown.pass("promo", dialect, encoding, container);
  });
});

describe.each(STORES_DIALECTS)("a stores file of dialect %s", (dialect) => {
  test.each(WRAPPINGS)("in $encoding and $container gives every row and figure", async ({ encoding, container }) => {
    const { bytes, truth, fileName } = renderStoresFile(list, { dialect, encoding, container });
    const parsed = await parseBytes(bytes, { fileName, chunkBytes: 1000 });
    const rows = storesOf(parsed);
    expect(parsed.totals).toMatchObject({
      dialect: STORES_IDS[dialect],
      encoding: charsetOf(encoding),
      container: UNWRAPPED[container],
      rowsRead: truth.rows,
      rowsRejected: 0,
      complete: true,
      unknownTags: {},
      problems: toldOf(encoding),
    });
    const found = rows.map((row) => [row.storeCode, row.subChainCode, row.subChainName ?? "", row.name].join(" | "));
    const expected = list.stores.map(({ id, subChainId, subChainName, name }) =>
      [id, subChainId, subChainName, name].join(" | "),
    );
    // Dialects with sections list the stores by sub-chain.
    expect(found.sort()).toEqual(expected.sort());
    expect(new Set(rows.map((row) => row.chainId))).toEqual(new Set([truth.chainId]));
    expect(rows.filter((row) => row.storeType === "2")).toHaveLength(truth.online);
    expect(rows.filter((row) => row.city === undefined)).toHaveLength(truth.withoutCity);
    shown.pass("stores", dialect, encoding, container);
  });
});

describe("docs/formats.md", () => {
  test("shows what the tests above have shown (UPDATE_DOCS=1 writes it)", () => {
    const pathOf = ({
      root,
      wrappers,
      list,
      row,
    }: {
      root: string;
      wrappers: readonly string[];
      list: string;
      row: string;
    }) => [root, ...wrappers, list, row].join("/");
    const text = shown.render([
      {
        kind: "price",
        title: "Price and PriceFull",
        dialects: PRICE_DIALECTS.map((dialect) => ({
          dialect,
          readAs: PRICE_IDS[dialect],
          path: pathOf(PRICE_LAYOUTS[dialect]),
        })),
      },
      {
        kind: "promo",
        title: "Promo and PromoFull",
        dialects: PROMO_DIALECTS.map((dialect) => ({
          dialect,
          readAs: PROMO_IDS[dialect],
          path: pathOf(PROMO_LAYOUTS[dialect]),
        })),
      },
      {
        kind: "stores",
        title: "Stores and StoresFull",
        dialects: STORES_DIALECTS.map((dialect) => ({
          dialect,
          readAs: STORES_IDS[dialect],
          path: STORES_PATHS[dialect],
        })),
      },
    ]);
    expect(FormatsTable.inDocs(text)).toBe(text);
  });
});
