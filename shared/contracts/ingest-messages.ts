import { type Static, Type } from "typebox";
import { FileIdentitySchema } from "./file-messages.ts";
import { validatorOf } from "./validation.ts";

/** Exact decimal as text ("12.90"): money never passes through a float. */
const Decimal = Type.String({ pattern: "^-?[0-9]{1,15}(\\.[0-9]{1,6})?$" });
const Text = Type.String();
/** ISO 8601 with offset. Built by the parser, so a length check is enough on the hot path. */
const Time = Type.String({ minLength: 20, maxLength: 35 });
const optional = Type.Optional;

/** How an item found its master product. The parser sends `barcode` or `own`; decided links live in the database. */
export const MASTER_METHODS = ["barcode", "own", "vector", "manual"] as const;

const MasterTag = {
  ean: Type.String({ minLength: 1, maxLength: 64, description: "item code as published" }),
  gtin: optional(Type.String({ pattern: "^[0-9]{14}$", description: "only when the check digit is right" })),
  master_id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  master_key: Type.String({ minLength: 5 }),
  master_method: Type.Enum([...MASTER_METHODS]),
  master_confidence: Type.Number({ minimum: 0, maximum: 1 }),
};

/** One priced item. Absent means not published. `line` is the 1-based number of the row in its file. */
export const ProductRowSchema = Type.Object({
  ...MasterTag,
  line: Type.Integer({ minimum: 1 }),
  price: Decimal,
  unitPrice: optional(Decimal),
  updatedAt: optional(Time),
  name: optional(Text),
  manufacturerName: optional(Text),
  manufacturerDescription: optional(Text),
  country: optional(Text),
  /** Canonical: g, kg, ml, l, unit, m. */
  unit: optional(Text),
  quantity: optional(Decimal),
  unitQtyRaw: optional(Text),
  unitOfMeasureRaw: optional(Text),
  weighted: optional(Type.Boolean()),
  qtyInPackage: optional(Decimal),
  allowDiscount: optional(Type.Boolean()),
  itemType: optional(Text),
  itemStatus: optional(Text),
  internalId: optional(Text),
  extra: optional(Type.Record(Text, Text)),
});
export type ProductRow = Static<typeof ProductRowSchema>;

/** One link of a promotion. The same code may stand twice, once as bought item and once as gift. */
export const PromotionItemSchema = Type.Object({
  ...MasterTag,
  isGift: Type.Boolean(),
  itemType: optional(Text),
  giftPrice: optional(Decimal),
  groupId: optional(Text),
  rewardType: optional(Text),
  minQty: optional(Decimal),
  maxQty: optional(Decimal),
  discountRate: optional(Decimal),
  discountedPrice: optional(Decimal),
  discountedPricePerUnit: optional(Decimal),
  weighted: optional(Type.Boolean()),
  extra: optional(Type.Record(Text, Text)),
});
export type PromotionItem = Static<typeof PromotionItemSchema>;

/** One promotion. Numbers are as published: their meaning differs by dialect; `derivedUnitPrice` only where a rule is certain. */
export const PromotionRowSchema = Type.Object({
  line: Type.Integer({ minimum: 1 }),
  promotionCode: Type.String({ minLength: 1, maxLength: 64 }),
  description: optional(Text),
  updatedAt: optional(Time),
  startsAt: optional(Time),
  endsAt: optional(Time),
  days: optional(Text),
  rewardType: optional(Text),
  allowMultiple: optional(Type.Boolean()),
  weighted: optional(Type.Boolean()),
  minQty: optional(Decimal),
  maxQty: optional(Decimal),
  minPurchaseAmount: optional(Decimal),
  minAmount: optional(Decimal),
  maxAmount: optional(Decimal),
  discountRate: optional(Decimal),
  discountType: optional(Text),
  discountedPrice: optional(Decimal),
  discountedPricePerUnit: optional(Decimal),
  derivedUnitPrice: optional(Decimal),
  derivedRule: optional(Text),
  minItemsOffered: optional(Decimal),
  weightUnit: optional(Text),
  redemptionLimit: optional(Text),
  isCoupon: optional(Type.Boolean()),
  giftCount: optional(Decimal),
  isTotal: optional(Type.Boolean()),
  isActive: optional(Type.Boolean()),
  minBasketAmount: optional(Decimal),
  restrictions: optional(Text),
  remarks: Type.Array(Text),
  clubs: Type.Array(Text),
  groups: Type.Array(
    Type.Object({ groupId: Text, minPurchaseAmount: optional(Decimal), discountType: optional(Text) }),
  ),
  items: Type.Array(PromotionItemSchema),
  extra: optional(Type.Record(Text, Text)),
});
export type PromotionRow = Static<typeof PromotionRowSchema>;

/** One store of a chain. Codes are as published. */
export const StoreRowSchema = Type.Object({
  line: Type.Integer({ minimum: 1 }),
  storeCode: Type.String({ minLength: 1, maxLength: 64 }),
  chainId: optional(Text),
  chainName: optional(Text),
  subChainCode: optional(Text),
  subChainName: optional(Text),
  checkDigit: optional(Text),
  storeType: optional(Text),
  name: optional(Text),
  address: optional(Text),
  city: optional(Text),
  zipCode: optional(Text),
  latitude: optional(Decimal),
  longitude: optional(Decimal),
  updatedAt: optional(Time),
  extra: optional(Type.Record(Text, Text)),
});
export type StoreRow = Static<typeof StoreRowSchema>;

/** A row that could not be used: kept with its reason. `code` (item or promotion) lets it count as seen, so it is not delisted. */
export const RejectedRowSchema = Type.Object({
  line: Type.Integer({ minimum: 0 }),
  reason: Type.String({ minLength: 1, maxLength: 500 }),
  raw: Type.String({ maxLength: 4000 }),
  code: optional(Type.String({ maxLength: 64 })),
});
export type RejectedRow = Static<typeof RejectedRowSchema>;

/** What the parser learned of the whole file; on the last batch. */
export const FileTotalsSchema = Type.Object({
  batchCount: Type.Integer({ minimum: 1 }),
  rowsClaimed: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: "the Count attribute" }),
  rowsRead: Type.Integer({ minimum: 0 }),
  rowsRejected: Type.Integer({ minimum: 0 }),
  rowsRepeated: optional(
    Type.Integer({ minimum: 0, description: "rows whose code stands before in the file: the last update counts" }),
  ),
  complete: Type.Boolean({ description: "false when the file was cut short or broke off: it never delists" }),
  dialect: Text,
  encoding: Text,
  container: Text,
  header: Type.Record(Text, Text),
  unknownTags: Type.Record(Text, Type.Integer()),
  problems: Type.Array(Text),
});
export type FileTotals = Static<typeof FileTotalsSchema>;

const BatchFields = Type.Object({
  batch_id: Type.String({ format: "uuid" }),
  batchIndex: Type.Integer({ minimum: 0 }),
  isLast: Type.Boolean(),
  parserVersion: Type.Integer({ minimum: 1 }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  objectUri: Text,
  rejected: Type.Array(RejectedRowSchema),
  totals: optional(FileTotalsSchema),
});

export const ProductsIngestSchema = Type.Intersect([
  FileIdentitySchema,
  BatchFields,
  Type.Object({ items: Type.Array(ProductRowSchema) }),
]);
export type ProductsIngest = Static<typeof ProductsIngestSchema>;
export const productsIngest = validatorOf("a batch of products", ProductsIngestSchema);

export const PromotionsIngestSchema = Type.Intersect([
  FileIdentitySchema,
  BatchFields,
  Type.Object({ items: Type.Array(PromotionRowSchema) }),
]);
export type PromotionsIngest = Static<typeof PromotionsIngestSchema>;
export const promotionsIngest = validatorOf("a batch of promotions", PromotionsIngestSchema);

export const StoresIngestSchema = Type.Intersect([
  FileIdentitySchema,
  BatchFields,
  Type.Object({ items: Type.Array(StoreRowSchema) }),
]);
export type StoresIngest = Static<typeof StoresIngestSchema>;
export const storesIngest = validatorOf("a batch of stores", StoresIngestSchema);

export type IngestMessage = ProductsIngest | PromotionsIngest | StoresIngest;
