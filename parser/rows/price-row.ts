import type { ProductRow } from "../../shared/contracts/ingest-messages.ts";
import { PRICE, PRICE_FIELDS } from "../dialects/fields.ts";
import { FieldSlots } from "../field-slots.ts";
import { isPlaceholderCode } from "../normalise/gtin.ts";
import { readMoney } from "../normalise/numbers.ts";
import { cleanMaker, cleanText } from "../normalise/text.ts";
import { canonicalSize } from "../normalise/units.ts";
import {
  flagOf,
  moneyOf,
  quantityOf,
  type Rejection,
  type RowBuilder,
  type RowContext,
  updatedAtOf,
} from "./row-context.ts";

const MAX_CODE = 64;

/**
 * A price row is flat. It is rejected when it has no item code, or a placeholder of zeros, or a price that is missing, no number,
 * negative or absurd. A wrong date, unit or other number costs only that field and is counted. A price of 0.00 is a published price.
 */
export class PriceRowBuilder implements RowBuilder<ProductRow> {
  readonly slots: FieldSlots;
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
    this.slots = new FieldSlots(PRICE_FIELDS, context.unknownTags);
  }

  begin(): void {
    this.slots.clear();
  }

  field(tag: string, text: string): void {
    this.slots.put(tag, text);
  }

  /** Elements inside elements do not occur; their texts count as texts of the row. */
  enter(): void {}
  leave(): void {}

  finish(line: number): ProductRow | Rejection {
    const texts = this.slots.values;
    const ean = cleanText(texts[PRICE.itemCode]);
    if (ean === undefined) return { reason: "no item code", code: undefined };
    if (ean.length > MAX_CODE) return { reason: `item code of ${ean.length} characters`, code: undefined };
    if (isPlaceholderCode(ean)) return { reason: "item code is a placeholder of zeros", code: ean };
    const price = readMoney(texts[PRICE.price]);
    if (price.value === undefined) return { reason: `price is ${price.problem}`, code: ean };
    if (price.value.charCodeAt(0) === 0x2d) return { reason: "price is negative", code: ean };

    const context = this.#context;
    context.seenCodes.add(ean);
    const master = context.masters.of(ean);
    const unitQtyRaw = cleanText(texts[PRICE.unitQty]);
    const unitOfMeasureRaw = cleanText(texts[PRICE.unitOfMeasure]);
    const size = canonicalSize(
      context.units.read(unitQtyRaw),
      context.units.read(unitOfMeasureRaw),
      quantityOf(context, "quantity", texts[PRICE.quantity], line),
    );
    return {
      line,
      ean,
      gtin: master.gtin,
      master_id: master.master_id,
      master_key: master.master_key,
      master_method: master.master_method,
      master_confidence: 1,
      price: price.value,
      unitPrice: moneyOf(context, "unitPrice", texts[PRICE.unitPrice], line),
      updatedAt: updatedAtOf(context, texts[PRICE.updatedAt], line),
      name: cleanText(texts[PRICE.name]),
      manufacturerName: cleanMaker(texts[PRICE.manufacturerName]),
      manufacturerDescription: cleanText(texts[PRICE.manufacturerDescription]),
      country: cleanText(texts[PRICE.country]),
      unit: size.unit,
      quantity: size.quantity,
      unitQtyRaw,
      unitOfMeasureRaw,
      weighted: flagOf(context, "weighted", texts[PRICE.isWeighted], line),
      qtyInPackage: quantityOf(context, "qtyInPackage", texts[PRICE.qtyInPackage], line),
      allowDiscount: flagOf(context, "allowDiscount", texts[PRICE.allowDiscount], line),
      itemType: cleanText(texts[PRICE.itemType]),
      itemStatus: cleanText(texts[PRICE.status]),
      internalId: cleanText(texts[PRICE.internalId]),
      extra: this.slots.extra,
    };
  }
}
