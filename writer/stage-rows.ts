import { createHash } from "node:crypto";
import type { ProductRow, PromotionItem, PromotionRow, RejectedRow } from "../shared/contracts/ingest-messages.ts";
import { booleanField, jsonField, NULL, textField } from "./copy-text.ts";
import type { FlushBatch } from "./flush.ts";

/** COPY text of one flush by staging table, one chunk per batch. */
export type StagedChunks = Map<StagedTable, Buffer[]>;
export type StagedTable = "stage_products" | "stage_rejected" | "stage_promotions" | "stage_promotion_items";

/** Turns batches into COPY text. Numbers and times go as the text they came as: PostgreSQL reads them. */
export function stageRows(batches: readonly FlushBatch[]): StagedChunks {
  const chunks: StagedChunks = new Map();
  for (const batch of batches) {
    if (batch.kind === "price") add(chunks, "stage_products", productLines(batch.no, batch.message.items));
    if (batch.kind === "promo") {
      const lines = promotionLines(batch.no, batch.message.items);
      add(chunks, "stage_promotions", lines.promotions);
      add(chunks, "stage_promotion_items", lines.items);
    }
    add(chunks, "stage_rejected", rejectedLines(batch.no, batch.message.rejected));
  }
  return chunks;
}

function add(chunks: StagedChunks, table: StagedTable, text: string): void {
  if (text === "") return;
  const list = chunks.get(table);
  if (list) list.push(Buffer.from(text));
  else chunks.set(table, [Buffer.from(text)]);
}

function productLines(no: number, rows: readonly ProductRow[]): string {
  let text = "";
  for (const row of rows) {
    text += `${no}\t${row.line}\t${textField(row.ean)}\t${row.price}\t${row.unitPrice ?? NULL}\t${row.updatedAt ?? NULL}\t${masterFields(
      row,
    )}\t${wordingFields(row)}\t${textField(row.itemStatus)}\t${booleanField(row.allowDiscount)}\t${textField(
      row.internalId,
    )}\t${jsonField(row.extra)}\n`;
  }
  return text;
}

/** In the order of the columns of wording. */
function wordingFields(row: ProductRow): string {
  return `${textField(row.name)}\t${textField(row.manufacturerName)}\t${textField(row.manufacturerDescription)}\t${textField(
    row.country,
  )}\t${textField(row.unit)}\t${row.quantity ?? NULL}\t${textField(row.unitQtyRaw)}\t${textField(row.unitOfMeasureRaw)}\t${
    row.qtyInPackage ?? NULL
  }\t${booleanField(row.weighted)}\t${textField(row.itemType)}`;
}

function masterFields(row: ProductRow | PromotionItem): string {
  return `${row.gtin ?? NULL}\t${row.master_id}\t${textField(row.master_key)}\t${row.master_method}\t${row.master_confidence}`;
}

function rejectedLines(no: number, rows: readonly RejectedRow[]): string {
  let text = "";
  for (const row of rows) {
    text += `${no}\t${row.line}\t${textField(row.reason)}\t${textField(row.raw)}\t${textField(row.code || undefined)}\n`;
  }
  return text;
}

function promotionLines(no: number, rows: readonly PromotionRow[]): { promotions: string; items: string } {
  let promotions = "";
  let items = "";
  for (const row of rows) {
    const content = promotionContent(row);
    const hash = createHash("md5").update(content);
    for (const [position, item] of row.items.entries()) {
      const link = linkContent(item);
      hash.update(`${item.ean}\t${link}`);
      items += `${no}\t${row.line}\t${position + 1}\t${textField(item.ean)}\t${masterFields(item)}\t${link}`;
    }
    promotions += `${no}\t${row.line}\t${textField(row.promotionCode)}\t${hash.digest("hex")}\t${content}`;
  }
  return { promotions, items };
}

/** Everything published of a promotion but its code and its links, in the order of the columns. */
function promotionContent(row: PromotionRow): string {
  return `${[
    textField(row.description),
    row.updatedAt ?? NULL,
    row.startsAt ?? NULL,
    row.endsAt ?? NULL,
    textField(row.days),
    textField(row.rewardType),
    booleanField(row.allowMultiple),
    booleanField(row.weighted),
    row.minQty ?? NULL,
    row.maxQty ?? NULL,
    row.minPurchaseAmount ?? NULL,
    row.minAmount ?? NULL,
    row.maxAmount ?? NULL,
    row.discountRate ?? NULL,
    textField(row.discountType),
    row.discountedPrice ?? NULL,
    row.discountedPricePerUnit ?? NULL,
    row.derivedUnitPrice ?? NULL,
    textField(row.derivedRule),
    row.minItemsOffered ?? NULL,
    textField(row.weightUnit),
    textField(row.redemptionLimit),
    booleanField(row.isCoupon),
    row.giftCount ?? NULL,
    booleanField(row.isTotal),
    booleanField(row.isActive),
    row.minBasketAmount ?? NULL,
    textField(row.restrictions),
    jsonField(row.remarks),
    jsonField(row.groups),
    jsonField(row.extra),
    jsonField(row.clubs),
  ].join("\t")}\n`;
}

function linkContent(item: PromotionItem): string {
  return `${[
    booleanField(item.isGift),
    textField(item.itemType),
    item.giftPrice ?? NULL,
    textField(item.groupId),
    textField(item.rewardType),
    item.minQty ?? NULL,
    item.maxQty ?? NULL,
    item.discountRate ?? NULL,
    item.discountedPrice ?? NULL,
    item.discountedPricePerUnit ?? NULL,
    booleanField(item.weighted),
    jsonField(item.extra),
  ].join("\t")}\n`;
}
