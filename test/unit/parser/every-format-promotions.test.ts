import { describe, expect, test } from "vitest";
import { parseText, type Parsed, promotionsOf } from "./helpers/parse.ts";

const fileName = "PromoFull7290000000001-001-202601020300.gz";
const parse = (xml: string): Promise<Parsed> => parseText(xml, { fileName });
const CERBERUS =
  "<XmlDocVersion>19</XmlDocVersion><ChainId>7290000000001</ChainId><StoreId>1</StoreId><DllVerNo>9.4.0.50</DllVerNo>";
const document = (rows: string, header = CERBERUS) => `<Root>${header}<Promotions>${rows}</Promotions></Root>`;
const promotion = (fields: string, id = "1") => `<Promotion><PromotionId>${id}</PromotionId>${fields}</Promotion>`;

describe("what the numbers of a promotion mean", () => {
  const numbers = (reward: string, weighted: string, price: string, minQty: string, other: string) =>
    promotion(
      `<RewardType>${reward}</RewardType><IsWeightedPromo>${weighted}</IsWeightedPromo><DiscountedPrice>${price}</DiscountedPrice><MinQty>${minQty}</MinQty><DiscountedPricePerMida>${other}</DiscountedPricePerMida>`,
    );

  test.each([
    ["a total for pieces", "1", "0", "10.00", "3", "3.33", "3.3333", "cerberus-total-for-min-qty"],
    ["a total less a bottle deposit", "1", "0", "22.90", "3", "6.43", "7.6333", "cerberus-total-for-min-qty"],
    ["a price per kilogram", "1", "1", "24.90", "2", "49.80", "24.90", "cerberus-weighted-price-per-kg"],
    [
      "a price per kilogram of any weight",
      "1",
      "1",
      "14.90",
      "0.01",
      "0.15",
      "14.90",
      "cerberus-weighted-price-per-kg",
    ],
  ])(
    "%s gives the price of one unit, and the rule",
    async (_, reward, weighted, price, minQty, other, unitPrice, rule) => {
      const [row] = promotionsOf(await parse(document(numbers(reward, weighted, price, minQty, other))));
      expect(row).toMatchObject({ derivedUnitPrice: unitPrice, derivedRule: rule });
      expect(row).toMatchObject({ discountedPrice: price, discountedPricePerUnit: other });
    },
  );

  test.each([
    ["a total of weighed goods (not the layout's rule)", "1", "1", "49.80", "2", "24.90"],
    ["a price per piece where a total belongs", "1", "0", "10.00", "2", "10.00"],
    ["percent off", "2", "0", "10.00", "1", "10.00"],
    ["part of a piece", "1", "0", "10.00", "0.5", "20.00"],
    ["no quantity", "1", "0", "10.00", "0.00", "0.00"],
    ["nonsense", "1", "0", "-5.00", "1", "-5.00"],
    ["no flag for weight", "1", "", "10.00", "1", "10.00"],
  ])("%s gives none", async (_, reward, weighted, price, minQty, other) => {
    const [row] = promotionsOf(await parse(document(numbers(reward, weighted, price, minQty, other))));
    expect(row?.discountedPrice).toBe(price);
    expect([row?.derivedUnitPrice, row?.derivedRule]).toEqual([undefined, undefined]);
  });

  test("the same numbers in a file of another back office give none", async () => {
    const others = [
      document(numbers("1", "0", "10.00", "2", "5.00"), "<ChainId>7290000000001</ChainId>"),
      document(numbers("1", "0", "10.00", "2", "5.00"), "<ChainID>7290000000001</ChainID>"),
    ];
    for (const xml of others) {
      const [row] = promotionsOf(await parse(xml));
      expect(row?.derivedUnitPrice).toBeUndefined();
    }
  });

  test("rates keep the scale in which they are published, absurd ones too", async () => {
    const rates = ["10000", "25", "6.53", "50.00", "-74400"];
    const rows = rates.map((rate, index) =>
      promotion(`<DiscountRate>${rate}</DiscountRate><DiscountType>0</DiscountType>`, `${index}`),
    );
    const parsed = await parse(document(rows.join("")));
    expect(promotionsOf(parsed).map((row) => row.discountRate)).toEqual(["10000", "25", "6.53", "50", "-74400"]);
  });
});

describe("the parts of a promotion", () => {
  test("clubs, remarks, restrictions, and fields under every spelling", async () => {
    const parsed = await parse(
      document(
        promotion(`<PromotionDetails>desc</PromotionDetails><PromotionUpdateTime>2026-07-28T09:30:00.000</PromotionUpdateTime>
        <PromotionStartDate>2023/07/02</PromotionStartDate><PromotionStartHour>02:59:00.000</PromotionStartHour><PromotionEndDateTime>2031-01-01T02:59:00.000</PromotionEndDateTime>
        <MAXQTY>0.00</MAXQTY><MinPurchaseAmount>100</MinPurchaseAmount><MinAmount>1</MinAmount><MaxAmount>2</MaxAmount><MinNoOfItemOfered>10</MinNoOfItemOfered>
        <AdditionalRestrictions><AdditionalsCoupon>1</AdditionalsCoupon><AdditionalsGiftCount>2</AdditionalsGiftCount><AdditionalsTotals>0</AdditionalsTotals>
        <AdditionalIsActive>0</AdditionalIsActive><AdditionalsMinBasketAmount>50</AdditionalsMinBasketAmount></AdditionalRestrictions>
        <Remarks><Remark>one</Remark><Remark>two</Remark></Remarks><Clubs><ClubId>0</ClubId><ClubId>3 - מועדון</ClubId></Clubs>
        <RedemptionLimit>4</RedemptionLimit><WeightUnit>1</WeightUnit><PromotionDays>1,2</PromotionDays><AllowMultipleDiscounts>1</AllowMultipleDiscounts>`),
      ),
    );
    expect(parsed.totals).toMatchObject({ unknownTags: {}, problems: [] });
    expect(promotionsOf(parsed)[0]).toMatchObject({
      description: "desc",
      updatedAt: "2026-07-28T09:30:00+03:00",
      startsAt: "2023-07-02T02:59:00+03:00",
      endsAt: "2031-01-01T02:59:00+02:00",
      maxQty: "0",
      minPurchaseAmount: "100.00",
      minAmount: "1.00",
      maxAmount: "2.00",
      minItemsOffered: "10",
      isCoupon: true,
      giftCount: "2",
      isTotal: false,
      isActive: false,
      minBasketAmount: "50.00",
      remarks: ["one", "two"],
      clubs: ["0", "3"],
      redemptionLimit: "4",
      weightUnit: "1",
      days: "1,2",
      allowMultiple: true,
    });
  });

  test("the same item once bought and once as a gift are two links, twice the same are kept and told", async () => {
    const item = (gift: string, price = "") =>
      `<Item><ItemCode>11</ItemCode><IsGiftItem>${gift}</IsGiftItem>${price}</Item>`;
    const items = item("0") + item("1", "<GiftItemPrice>0.10</GiftItemPrice>") + item("0");
    const parsed = await parse(document(promotion(`<PromotionItems>${items}</PromotionItems>`)));
    expect(promotionsOf(parsed)[0]?.items).toMatchObject([
      { ean: "11", isGift: false },
      { ean: "11", isGift: true, giftPrice: "0.10" },
      { ean: "11", isGift: false },
    ]);
    expect(parsed.totals.problems).toEqual(["a link stands twice in one promotion, equal in every field"]);
  });

  test("gifts in a wrapper of their own are gifts", async () => {
    const parsed = await parse(
      document(
        promotion(
          "<PromotionItems><Item><ItemCode>11</ItemCode></Item></PromotionItems><GiftsItems><Item><ItemCode>12</ItemCode><GiftItemPrice>1</GiftItemPrice></Item></GiftsItems>",
        ),
      ),
    );
    expect(promotionsOf(parsed)[0]?.items).toMatchObject([
      { ean: "11", isGift: false },
      { ean: "12", isGift: true, giftPrice: "1.00" },
    ]);
  });

  test("groups of 2026: each link with its group, price and reward; placeholders left out and told; a promotion's own gift flag is kept", async () => {
    const item = (code: string, more: string) =>
      `<PromotionItem><ItemCode>${code}</ItemCode><ItemType>1</ItemType>${more}</PromotionItem>`;
    const parsed = await parse(
      document(
        `<Promotion><PromotionID>9</PromotionID><ClubID>0 - כולם</ClubID><IsGiftItem>1</IsGiftItem><Groups>
        <Group><GroupID>1</GroupID><MinPurchaseAmount>100</MinPurchaseAmount><DiscountType>1</DiscountType><Colour>red</Colour><PromotionItems>
          ${item("11", "<RewardType>10</RewardType><MinQty>2</MinQty><MaxQty>0</MaxQty><DiscountRate>25</DiscountRate><DiscountedPrice>10</DiscountedPrice><DiscountedPricePerMida>5</DiscountedPricePerMida><bIsWeighted>0</bIsWeighted><Shade>dark</Shade>")}</PromotionItems></Group>
        <Group><GroupID>2</GroupID><PromotionItems>${item("0000000000000", "<RewardType>3</RewardType>")}</PromotionItems></Group></Groups></Promotion>`,
        "<ChainID>7290000000001</ChainID>",
      ),
    );
    const [row] = promotionsOf(parsed);
    expect(row).toMatchObject({
      promotionCode: "9",
      clubs: ["0"],
      rewardType: "10",
      groups: [{ groupId: "1", minPurchaseAmount: "100.00", discountType: "1" }, { groupId: "2" }],
      extra: { Colour: "red", IsGiftItem: "1" },
    });
    expect(row?.items).toHaveLength(1);
    expect(row?.items[0]).toMatchObject({
      ean: "11",
      groupId: "1",
      rewardType: "10",
      minQty: "2",
      discountRate: "25",
      discountedPrice: "10.00",
      discountedPricePerUnit: "5.00",
      weighted: false,
      extra: { Shade: "dark" },
    });
    expect(parsed.totals.unknownTags).toEqual({ Colour: 1, Shade: 1 });
    expect(parsed.totals.problems).toEqual([
      'links without an item (placeholder or no code) left out in 1 row, first in row 1: "9"',
    ]);
  });

  test("the header may come after the promotions, or be missing: then the file name says it", async () => {
    const row = promotion("<PromotionItems><Item><ItemCode>11</ItemCode></Item></PromotionItems>");
    const after = await parse(`<Root><Promotions>${row}</Promotions>${CERBERUS}</Root>`);
    expect(after.totals.header).toMatchObject({ chainId: "7290000000001", storeId: "1", dllVersion: "9.4.0.50" });
    const without = await parse(`<Whatever><Promotions>${row}</Promotions></Whatever>`);
    expect(without.totals).toMatchObject({ dialect: "std-root", header: {}, complete: true });
    expect(without.messages[0]).toMatchObject({ chainId: "7290000000001", storeId: "001" });
  });

  test("an update on the zero day is none; ends decades ahead and starts years back are dates", async () => {
    const parsed = await parse(
      document(
        promotion(
          "<PromotionUpdateDate>1899-12-30 00:00</PromotionUpdateDate><PromotionStartDate>2012-05-03</PromotionStartDate><PromotionEndDate>2050-12-31</PromotionEndDate><PromotionEndHour>23:59:00</PromotionEndHour>",
        ),
      ),
    );
    expect(promotionsOf(parsed)[0]).toMatchObject({
      startsAt: "2012-05-03T00:00:00+03:00",
      endsAt: "2050-12-31T23:59:00+02:00",
    });
    expect(promotionsOf(parsed)[0]?.updatedAt).toBeUndefined();
    expect(parsed.totals.problems).toEqual([]);
  });
});

describe("layouts with a row per promotion and item", () => {
  const sale = (code: string, fields: string, id = "1") =>
    `<Sale><ChainID>7290000000001</ChainID><StoreID>1</StoreID><PromotionID>${id}</PromotionID><ItemCode>${code}</ItemCode>${fields}</Sale>`;

  test("rows of one promotion need not stand together, and a number of its own stays with its item", async () => {
    const parsed = await parse(
      `<Promos><Sales Count="4">${sale("11", "<DiscountedPrice>10</DiscountedPrice><MinQty>2</MinQty><PriceUpdateDate>2026-01-01</PriceUpdateDate><ClubID>0</ClubID>")}
      ${sale("21", "<DiscountRate>25</DiscountRate>", "2")}
      ${sale("12", "<DiscountedPrice>12</DiscountedPrice><MinQty>2</MinQty><PriceUpdateDate>2026-01-02</PriceUpdateDate><ClubID>1</ClubID><Motto>x</Motto>")}
      ${sale("13", "<DiscountedPrice>10.00</DiscountedPrice><MinQty>2</MinQty><IsGiftItem>1</IsGiftItem>")}</Sales></Promos>`,
    );
    expect(parsed.totals).toMatchObject({ dialect: "matrix-sales", rowsRead: 4, rowsRepeated: 0, problems: [] });
    const [first, second] = promotionsOf(parsed);
    expect(first).toMatchObject({
      promotionCode: "1",
      discountedPrice: "10.00",
      minQty: "2",
      updatedAt: "2026-01-02T00:00:00+02:00",
      clubs: ["0", "1"],
      extra: { Motto: "x" },
    });
    expect(first?.items.map((link) => [link.ean, link.discountedPrice, link.minQty, link.isGift])).toEqual([
      ["11", undefined, undefined, false],
      ["12", "12.00", undefined, false],
      ["13", undefined, undefined, true],
    ]);
    expect(second).toMatchObject({ promotionCode: "2", discountRate: "25" });
  });

  test("what the rows of one promotion disagree on is told", async () => {
    const parsed = await parse(
      `<Promos><Sales>${sale("11", "<PromotionDescription>a</PromotionDescription><MinQty>1</MinQty>")}${sale("12", "<PromotionDescription>b</PromotionDescription>")}</Sales></Promos>`,
    );
    expect(promotionsOf(parsed)[0]?.description).toBe("a");
    expect(parsed.totals.problems).toEqual([
      "a row of a promotion lacks the minQty of its first row",
      "rows of one promotion disagree on description: the first counts",
    ]);
  });

  test("a line of an order document may hold its items inside", async () => {
    const line = `<Line><PromotionId>5</PromotionId><PromotionDetails>d</PromotionDetails><PriceUpdateDate>2026-01-01</PriceUpdateDate>
      <PromotionItems><Item><ItemCode>11</ItemCode><IsGiftItem>0</IsGiftItem></Item><Item><ItemCode>12</ItemCode><IsGiftItem>1</IsGiftItem></Item></PromotionItems></Line>`;
    const parsed = await parse(
      `<OrderXml><Envelope><ChainId>7290000000001</ChainId><Header><Details>${line}</Details></Header></Envelope></OrderXml>`,
    );
    expect(parsed.totals).toMatchObject({ dialect: "orderxml", unknownTags: {}, problems: [] });
    expect(promotionsOf(parsed)[0]?.items.map((link) => [link.ean, link.isGift])).toEqual([
      ["11", false],
      ["12", true],
    ]);
  });
});
