import type { PromotionRow } from "../../shared/contracts/ingest-messages.ts";
import { divideDecimals, isZeroDecimal } from "../normalise/numbers.ts";

/** `RewardType` 1: a price for a quantity (formats §4, 4). */
const PRICE_FOR_QUANTITY = "1";

/**
 * The price of one unit of an offer, only where its rule is certain (Cerberus files, a price for a quantity; formats §4, rules 1
 * and 2). Weighted: `DiscountedPrice` is the price of a kilogram. Not weighted: it is the total for `MinQty` whole units. The
 * rule's name goes with it.
 */
export function deriveUnitPrice(row: PromotionRow): void {
  if (row.rewardType !== PRICE_FOR_QUANTITY || row.discountedPrice === undefined) return;
  if (row.discountedPrice.startsWith("-")) return;
  if (row.weighted === true) {
    row.derivedUnitPrice = row.discountedPrice;
    row.derivedRule = "cerberus-weighted-price-per-kg";
  } else if (row.weighted === false && row.minQty !== undefined && isWholeAndPositive(row.minQty)) {
    row.derivedUnitPrice = divideDecimals(row.discountedPrice, row.minQty);
    row.derivedRule = "cerberus-total-for-min-qty";
  }
}

function isWholeAndPositive(decimal: string): boolean {
  return !decimal.includes(".") && !decimal.startsWith("-") && !isZeroDecimal(decimal);
}
