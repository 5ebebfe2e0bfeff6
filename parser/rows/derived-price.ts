import type { PromotionRow } from "../../shared/contracts/ingest-messages.ts";
import { decimalUnits, divideDecimals, isZeroDecimal } from "../normalise/numbers.ts";

/** `RewardType` 1: a price for a quantity (formats §4, 4). */
const PRICE_FOR_QUANTITY = "1";
/** Decimals of the numbers compared here; a product has twice as many. */
const SCALE = 6;
/** Half an agora in units of a product: published figures are rounded to agorot. */
const HALF_AGORA = 5n * 10n ** BigInt(2 * SCALE - 3);

/**
 * The price of one unit of an offer, only where its rule is certain (files of the Cerberus back office, a price for a quantity; formats
 * §4, rules 1 and 2). Weighted: `DiscountedPrice` is the price of a kilogram. Not weighted: it is the total for `MinQty` whole units.
 * The rule's name goes with it. Files of one layout may hold the total of weighted offers instead, so a rule counts only where the other
 * figure of the same row, `DiscountedPricePerMida`, bears it out.
 */
export function deriveUnitPrice(row: PromotionRow): void {
  const { discountedPrice: price, discountedPricePerUnit: other, minQty, weighted } = row;
  if (row.rewardType !== PRICE_FOR_QUANTITY) return;
  if (price === undefined || other === undefined || minQty === undefined || isZeroDecimal(minQty)) return;
  if (price.startsWith("-") || other.startsWith("-") || minQty.startsWith("-")) return;
  if (weighted === true && isPricePerKilogram(price, minQty, other)) {
    row.derivedUnitPrice = price;
    row.derivedRule = "cerberus-weighted-price-per-kg";
  } else if (weighted === false && !minQty.includes(".") && isTotal(price, minQty, other)) {
    row.derivedUnitPrice = divideDecimals(price, minQty);
    row.derivedRule = "cerberus-total-for-min-qty";
  }
}

/** The other figure is the total: price times quantity. */
function isPricePerKilogram(price: string, minQty: string, total: string): boolean {
  const difference = product(price, minQty) - decimalUnits(total, 2 * SCALE);
  return (difference < 0n ? -difference : difference) <= HALF_AGORA;
}

/** The other figure is the price of one unit: the total divided, or less where a bottle deposit was taken off. */
function isTotal(price: string, minQty: string, perUnit: string): boolean {
  const rounding = (HALF_AGORA * decimalUnits(minQty, SCALE)) / 10n ** BigInt(SCALE);
  return product(perUnit, minQty) <= decimalUnits(price, 2 * SCALE) + rounding;
}

function product(a: string, b: string): bigint {
  return decimalUnits(a, SCALE) * decimalUnits(b, SCALE);
}
