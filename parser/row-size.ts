import type { ProductRow, PromotionRow, RejectedRow, StoreRow } from "../shared/contracts/ingest-messages.ts";

/** Bytes of a link's names, quotes and fixed values. */
const LINK_BYTES = 190;
const PROMOTION_BYTES = 900;
const STORE_BYTES = 260;
const REJECTED_BYTES = 80;

/**
 * Bytes of a row's JSON, reckoned rather than measured: batches need a size for every row, and writing the JSON twice would cost
 * more than all other work on it. Hebrew letters take two bytes; texts are reckoned so. Deterministic.
 */
export function productBytes(row: ProductRow): number {
  let bytes = 175 + row.ean.length + row.price.length + row.master_key.length;
  if (row.gtin !== undefined) bytes += 24;
  if (row.unitPrice !== undefined) bytes += 15 + row.unitPrice.length;
  if (row.updatedAt !== undefined) bytes += 40;
  if (row.name !== undefined) bytes += 10 + 2 * row.name.length;
  if (row.manufacturerName !== undefined) bytes += 22 + 2 * row.manufacturerName.length;
  if (row.manufacturerDescription !== undefined) bytes += 29 + 2 * row.manufacturerDescription.length;
  if (row.country !== undefined) bytes += 13 + 2 * row.country.length;
  if (row.unit !== undefined) bytes += 15;
  if (row.quantity !== undefined) bytes += 14 + row.quantity.length;
  if (row.unitQtyRaw !== undefined) bytes += 16 + 2 * row.unitQtyRaw.length;
  if (row.unitOfMeasureRaw !== undefined) bytes += 22 + 2 * row.unitOfMeasureRaw.length;
  if (row.weighted !== undefined) bytes += 17;
  if (row.qtyInPackage !== undefined) bytes += 18 + row.qtyInPackage.length;
  if (row.allowDiscount !== undefined) bytes += 22;
  if (row.itemType !== undefined) bytes += 14 + row.itemType.length;
  if (row.itemStatus !== undefined) bytes += 16 + row.itemStatus.length;
  if (row.internalId !== undefined) bytes += 16 + row.internalId.length;
  if (row.extra !== undefined) bytes += extraBytes(row.extra);
  return bytes;
}

export function promotionBytes(row: PromotionRow): number {
  let bytes = PROMOTION_BYTES + 2 * ((row.description?.length ?? 0) + (row.restrictions?.length ?? 0));
  for (const remark of row.remarks) bytes += 3 + 2 * remark.length;
  for (const link of row.items)
    bytes +=
      LINK_BYTES +
      2 * link.ean.length +
      (link.discountedPrice === undefined ? 0 : 160) +
      (link.extra === undefined ? 0 : extraBytes(link.extra));
  if (row.extra !== undefined) bytes += extraBytes(row.extra);
  return bytes + 120 * row.groups.length + 8 * row.clubs.length;
}

export function storeBytes(row: StoreRow): number {
  const texts = [row.name, row.address, row.city, row.chainName, row.subChainName];
  const letters = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return STORE_BYTES + 2 * letters + (row.extra === undefined ? 0 : extraBytes(row.extra));
}

export function rejectedBytes(row: RejectedRow): number {
  return REJECTED_BYTES + 2 * (row.raw.length + row.reason.length);
}

function extraBytes(extra: Record<string, string>): number {
  let bytes = 12;
  for (const [tag, text] of Object.entries(extra)) bytes += 6 + tag.length + 2 * text.length;
  return bytes;
}
