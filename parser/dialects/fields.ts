/**
 * Which tag means what, over all dialects (formats §10): keys are local names in lower case. Where several tags of one row mean the
 * same, the first that is not empty wins. Values index into the slots of a row.
 */

/** Slots of a price row. */
export const PRICE = {
  itemCode: 0,
  itemType: 1,
  internalId: 2,
  name: 3,
  manufacturerName: 4,
  manufacturerDescription: 5,
  country: 6,
  unitQty: 7,
  quantity: 8,
  unitOfMeasure: 9,
  isWeighted: 10,
  qtyInPackage: 11,
  price: 12,
  unitPrice: 13,
  allowDiscount: 14,
  status: 15,
  updatedAt: 16,
} as const;

export const PRICE_FIELDS: ReadonlyMap<string, number> = new Map([
  ["itemcode", PRICE.itemCode],
  ["itemtype", PRICE.itemType],
  ["itemid", PRICE.internalId],
  ["itemname", PRICE.name],
  ["itemnm", PRICE.name],
  ["manufacturername", PRICE.manufacturerName],
  ["manufacturename", PRICE.manufacturerName],
  ["manufactureritemdescription", PRICE.manufacturerDescription],
  ["manufactureitemdescription", PRICE.manufacturerDescription],
  ["manufacturecountry", PRICE.country],
  ["manufacturercountry", PRICE.country],
  ["unitqty", PRICE.unitQty],
  ["quantity", PRICE.quantity],
  ["unitofmeasure", PRICE.unitOfMeasure],
  ["unitmeasure", PRICE.unitOfMeasure],
  ["bisweighted", PRICE.isWeighted],
  ["blsweighted", PRICE.isWeighted],
  ["qtyinpackage", PRICE.qtyInPackage],
  ["itemprice", PRICE.price],
  ["unitofmeasureprice", PRICE.unitPrice],
  ["allowdiscount", PRICE.allowDiscount],
  ["itemstatus", PRICE.status],
  ["priceupdatedate", PRICE.updatedAt],
  ["priceupdatetime", PRICE.updatedAt],
]);

/** Slots of a promotion. */
export const PROMOTION = {
  code: 0,
  description: 1,
  updatedAt: 2,
  startDateTime: 3,
  startDate: 4,
  startHour: 5,
  endDateTime: 6,
  endDate: 7,
  endHour: 8,
  days: 9,
  rewardType: 10,
  allowMultiple: 11,
  isWeighted: 12,
  minQty: 13,
  maxQty: 14,
  minPurchaseAmount: 15,
  minAmount: 16,
  maxAmount: 17,
  discountRate: 18,
  discountType: 19,
  discountedPrice: 20,
  discountedPricePerUnit: 21,
  minItemsOffered: 22,
  weightUnit: 23,
  redemptionLimit: 24,
  isCoupon: 25,
  giftCount: 26,
  isTotal: 27,
  isActive: 28,
  minBasketAmount: 29,
  restrictions: 30,
  isGift: 31,
} as const;

export const PROMOTION_FIELDS: ReadonlyMap<string, number> = new Map([
  ["promotionid", PROMOTION.code],
  ["promotiondescription", PROMOTION.description],
  ["promotiondetails", PROMOTION.description],
  ["promotionupdatedate", PROMOTION.updatedAt],
  ["promotionupdatetime", PROMOTION.updatedAt],
  ["priceupdatedate", PROMOTION.updatedAt],
  ["priceupdatetime", PROMOTION.updatedAt],
  ["promotionstartdatetime", PROMOTION.startDateTime],
  ["promotionstartdate", PROMOTION.startDate],
  ["promotionstarthour", PROMOTION.startHour],
  ["promotionenddatetime", PROMOTION.endDateTime],
  ["promotionenddate", PROMOTION.endDate],
  ["promotionendhour", PROMOTION.endHour],
  ["promotiondays", PROMOTION.days],
  ["rewardtype", PROMOTION.rewardType],
  ["allowmultiplediscounts", PROMOTION.allowMultiple],
  ["isweightedpromo", PROMOTION.isWeighted],
  ["bisweighted", PROMOTION.isWeighted],
  ["blsweighted", PROMOTION.isWeighted],
  ["minqty", PROMOTION.minQty],
  ["maxqty", PROMOTION.maxQty],
  ["minpurchaseamnt", PROMOTION.minPurchaseAmount],
  ["minpurchaseamount", PROMOTION.minPurchaseAmount],
  ["minamount", PROMOTION.minAmount],
  ["maxamount", PROMOTION.maxAmount],
  ["discountrate", PROMOTION.discountRate],
  ["discounttype", PROMOTION.discountType],
  ["discountedprice", PROMOTION.discountedPrice],
  ["discountedpricepermida", PROMOTION.discountedPricePerUnit],
  ["minnoofitemofered", PROMOTION.minItemsOffered],
  ["minnoofitemoffered", PROMOTION.minItemsOffered],
  ["minnoofitemsoffered", PROMOTION.minItemsOffered],
  ["weightunit", PROMOTION.weightUnit],
  ["redemptionlimit", PROMOTION.redemptionLimit],
  ["additionaliscoupon", PROMOTION.isCoupon],
  ["additionalscoupon", PROMOTION.isCoupon],
  ["additionalgiftcount", PROMOTION.giftCount],
  ["additionalsgiftcount", PROMOTION.giftCount],
  ["additionalistotal", PROMOTION.isTotal],
  ["additionalstotals", PROMOTION.isTotal],
  ["additionalisactive", PROMOTION.isActive],
  ["additionalminbasketamount", PROMOTION.minBasketAmount],
  ["additionalsminbasketamount", PROMOTION.minBasketAmount],
  ["additionalrestrictions", PROMOTION.restrictions],
  ["isgiftitem", PROMOTION.isGift],
]);

/** Slots of one link inside a promotion. */
export const LINK = {
  itemCode: 0,
  itemType: 1,
  isGift: 2,
  giftPrice: 3,
  rewardType: 4,
  minQty: 5,
  maxQty: 6,
  discountRate: 7,
  discountedPrice: 8,
  discountedPricePerUnit: 9,
  isWeighted: 10,
} as const;

export const LINK_FIELDS: ReadonlyMap<string, number> = new Map([
  ["itemcode", LINK.itemCode],
  ["itemtype", LINK.itemType],
  ["isgiftitem", LINK.isGift],
  ["giftitemprice", LINK.giftPrice],
  ["rewardtype", LINK.rewardType],
  ["minqty", LINK.minQty],
  ["maxqty", LINK.maxQty],
  ["discountrate", LINK.discountRate],
  ["discountedprice", LINK.discountedPrice],
  ["discountedpricepermida", LINK.discountedPricePerUnit],
  ["bisweighted", LINK.isWeighted],
  ["blsweighted", LINK.isWeighted],
  ["isweightedpromo", LINK.isWeighted],
]);

/** Slots of a group of links (groups-2026). */
export const GROUP = { groupId: 0, minPurchaseAmount: 1, discountType: 2 } as const;

export const GROUP_FIELDS: ReadonlyMap<string, number> = new Map([
  ["groupid", GROUP.groupId],
  ["minpurchaseamount", GROUP.minPurchaseAmount],
  ["minpurchaseamnt", GROUP.minPurchaseAmount],
  ["discounttype", GROUP.discountType],
]);

/** Slots of a store. */
export const STORE = {
  storeCode: 0,
  chainId: 1,
  chainName: 2,
  subChainCode: 3,
  subChainName: 4,
  checkDigit: 5,
  storeType: 6,
  name: 7,
  address: 8,
  city: 9,
  zipCode: 10,
  latitude: 11,
  longitude: 12,
  lastUpdateDate: 13,
  lastUpdateTime: 14,
} as const;

export const STORE_FIELDS: ReadonlyMap<string, number> = new Map([
  ["storeid", STORE.storeCode],
  ["chainid", STORE.chainId],
  ["chainname", STORE.chainName],
  ["subchainid", STORE.subChainCode],
  ["subchainname", STORE.subChainName],
  ["bikoretno", STORE.checkDigit],
  ["storetype", STORE.storeType],
  ["storename", STORE.name],
  ["address", STORE.address],
  ["city", STORE.city],
  ["zipcode", STORE.zipCode],
  ["latitude", STORE.latitude],
  ["longitude", STORE.longitude],
  ["lastupdatedate", STORE.lastUpdateDate],
  ["lastupdatetime", STORE.lastUpdateTime],
]);

/** Canonical names of what stands outside the rows; other tags keep their own name. */
export const HEADER_FIELDS: ReadonlyMap<string, string> = new Map([
  ["chainid", "chainId"],
  ["subchainid", "subChainId"],
  ["storeid", "storeId"],
  ["bikoretno", "checkDigit"],
  ["xmldocversion", "docVersion"],
  ["dllverno", "dllVersion"],
  ["chainname", "chainName"],
  ["subchainname", "subChainName"],
  ["lastupdatedate", "lastUpdateDate"],
  ["lastupdatetime", "lastUpdateTime"],
]);

/** Header fields that matrix and other flat dialects repeat in every price or promotion row: known, and said by the file name. */
export const REPEATED_IN_ROWS: ReadonlySet<string> = new Set([
  "chainid",
  "subchainid",
  "storeid",
  "bikoretno",
  "chainname",
  "subchainname",
  "storename",
]);

/** Local name in lower case of a tag as published: `xs:Schema` is `schema`. */
export function localName(tag: string): string {
  return tag.slice(tag.lastIndexOf(":") + 1).toLowerCase();
}
