import { describe, expect, test } from "vitest";
import {
  comparableCode,
  fileIdOf,
  fileVersionOf,
  InvalidFileNameError,
  parseFileName,
} from "../../../shared/contracts/file-identity.ts";

const summer = (clock: string) => `2024-09-27T${clock}+03:00`;

describe("published file names", () => {
  test.each([
    ["PriceFull7290000000001-083-202409270311.gz", ["price-full", "7290000000001", null, "083", summer("03:11:00"), 0]],
    ["Price7290000000001-9032-202409271600", ["price", "7290000000001", null, "9032", summer("16:00:00"), 0]],
    ["Stores7290000000001-202409272005.xml", ["stores", "7290000000001", null, null, summer("20:05:00"), 0]],
    ["StoresFull7290000000001-000-202409271232.gz", ["stores", "7290000000001", null, "000", summer("12:32:00"), 0]],
    ["StoresFull7290000000001--202409270200", ["stores", "7290000000001", null, null, summer("02:00:00"), 0]],
    ["Store7290000000001-202409270200", ["stores", "7290000000001", null, null, summer("02:00:00"), 0]],
    ["Promo7290000000001-087-202409272158-001.xml.gz", ["promo", "7290000000001", null, "087", summer("21:58:00"), 1]],
    [
      "PromoFull7290000000001-000-038-20240927-000027",
      ["promo-full", "7290000000001", "000", "038", summer("00:00:27"), 0],
    ],
    [
      "PromoFull7290000000001-000-038-20240927-0027-002",
      ["promo-full", "7290000000001", "000", "038", summer("00:27:00"), 2],
    ],
    ["NULLPrice7290000000001-028-202409271441.xml", ["price", "7290000000001", null, "028", summer("14:41:00"), 0]],
    ["storesfull7290000000001-000-202409270655.xml", ["stores", "7290000000001", null, "000", summer("06:55:00"), 0]],
    ["Stores0000072900000-202409270730.xml", ["stores", "0000072900000", null, null, summer("07:30:00"), 0]],
    ["PriceFull72900000-001-20240927031105.aspx.xml", ["price-full", "72900000", null, "001", summer("03:11:05"), 0]],
    [
      "/a/b/PRICEFULL7290000000001-001-20240927.ZIP?sig=x",
      ["price-full", "7290000000001", null, "001", summer("00:00:00"), 0],
    ],
  ])("%s", (name, [fileType, chainId, subChainId, storeId, publishedAt, sequence]) => {
    expect(parseFileName(name)).toEqual({ fileType, chainId, subChainId, storeId, publishedAt, sequence });
  });

  test.each([
    "holiday.jpg",
    "Prices7290000000001-001-202409270311.gz",
    "PriceFull-001-202409270311.gz",
    "PriceFull7290000000001-001-202413270311.gz",
    "PriceFull7290000000001-001-2024.gz",
    "PriceFull7290000000001-1-2-3-4-5-6.gz",
    "Promo7290000000001-087-202409272158-x.gz",
  ])("%s is none", (name) => expect(() => parseFileName(name)).toThrow(InvalidFileNameError));

  test("order by their time, whatever the length of their stamps; a full file before a delta of the same moment", () => {
    const names = [
      "PriceFull7290000000001-001-20240927.gz",
      "Price7290000000001-000-001-20240927-000500.gz",
      "PriceFull7290000000001-001-202409270311.gz",
      "Price7290000000001-001-202409270311.gz",
      "Price7290000000001-001-202409270311-001.gz",
      "Price7290000000001-001-20240927031105.gz",
      "Price7290000000001-001-202409270312.gz",
    ];
    const versions = names.map((name) =>
      fileVersionOf({ ...parseFileName(name), revision: 0, fileId: fileIdOf("chain", name, 0) }),
    );
    expect(versions.toSorted()).toEqual(versions);
  });

  test("store codes compare without leading zeros", () => {
    expect(["083", "83", "000", "0", "9032"].map(comparableCode)).toEqual(["83", "83", "0", "0", "9032"]);
  });
});
