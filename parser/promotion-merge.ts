import type { PromotionItem, PromotionRow } from "../shared/contracts/ingest-messages.ts";
import type { Problems } from "./problems.ts";
import { DUPLICATE_LINK, linkKey } from "./rows/promotion-row.ts";

/** Links held at once; a store has up to some 57,000. Above it the promotion that was begun first goes out as it is. */
const MAX_HELD_LINKS = 300_000;

/** What a row may say of its own item; a link without it means what the promotion says. */
const OF_ITEM = [
  "rewardType",
  "minQty",
  "maxQty",
  "discountRate",
  "discountedPrice",
  "discountedPricePerUnit",
  "weighted",
] as const satisfies readonly (keyof PromotionItem & keyof PromotionRow)[];

/** What every row of a promotion should say alike; `updatedAt` is the newest. */
const OF_PROMOTION = [
  "description",
  "startsAt",
  "endsAt",
  "days",
  "allowMultiple",
  "minPurchaseAmount",
  "minAmount",
  "maxAmount",
  "discountType",
  "minItemsOffered",
  "weightUnit",
  "redemptionLimit",
  "isCoupon",
  "giftCount",
  "isTotal",
  "isActive",
  "minBasketAmount",
  "restrictions",
] as const satisfies readonly (keyof PromotionRow)[];

/**
 * Puts the rows of flat dialects together: one row per promotion and item becomes one promotion with its links. Numbers that differ
 * from those of the promotion's first row go with the link. Rows of one promotion need not stand together, so promotions wait for the
 * end of the file.
 */
export class PromotionMerge {
  readonly #held = new Map<string, PromotionRow>();
  readonly #links = new Map<string, Set<string>>();
  readonly #problems: Problems;
  #heldLinks = 0;
  #last: string | null = null;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** Takes a row; returns promotions that had to go out early. */
  add(row: PromotionRow): PromotionRow[] {
    const known = this.#held.get(row.promotionCode);
    if (known) this.#merge(known, row);
    else this.#hold(row);
    this.#last = row.promotionCode;
    this.#heldLinks += row.items.length;
    const out: PromotionRow[] = [];
    for (const [code, promotion] of this.#held) {
      if (this.#heldLinks <= MAX_HELD_LINKS) break;
      this.#problems.note("a promotion may be split: too many rows to put together");
      out.push(promotion);
      this.#heldLinks -= promotion.items.length;
      this.#held.delete(code);
      this.#links.delete(code);
    }
    return out;
  }

  /**
   * Takes out the promotion that the last row belonged to: a file that breaks off there may lack some of its links. Null when
   * nothing is held.
   */
  takeLast(): PromotionRow | null {
    const promotion = this.#last === null ? undefined : this.#held.get(this.#last);
    if (promotion === undefined) return null;
    this.#held.delete(promotion.promotionCode);
    return promotion;
  }

  /** All that is still held, in the order in which they began. */
  rest(): PromotionRow[] {
    const rows = [...this.#held.values()];
    this.#held.clear();
    this.#links.clear();
    return rows;
  }

  #hold(row: PromotionRow): void {
    this.#held.set(row.promotionCode, row);
    this.#links.set(row.promotionCode, new Set(row.items.map(linkKey)));
  }

  #merge(known: PromotionRow, row: PromotionRow): void {
    const keys = this.#links.get(row.promotionCode) ?? new Set<string>();
    for (const link of row.items) {
      this.#keepOwn(link, row, known);
      const key = linkKey(link);
      if (keys.has(key)) this.#problems.note(DUPLICATE_LINK);
      keys.add(key);
      known.items.push(link);
    }
    for (const club of row.clubs) if (!known.clubs.includes(club)) known.clubs.push(club);
    for (const remark of row.remarks) if (!known.remarks.includes(remark)) known.remarks.push(remark);
    if (row.extra !== undefined) known.extra = { ...row.extra, ...known.extra };
    if (isLater(row.updatedAt, known.updatedAt)) known.updatedAt = row.updatedAt;
    for (const field of OF_PROMOTION) {
      if (row[field] !== known[field])
        this.#problems.note(`rows of one promotion disagree on ${field}: the first counts`);
    }
  }

  #keepOwn(link: PromotionItem, row: PromotionRow, known: PromotionRow): void {
    for (const field of OF_ITEM) {
      if (row[field] === known[field]) continue;
      if (row[field] === undefined) this.#problems.note(`a row of a promotion lacks the ${field} of its first row`);
      else Object.assign(link, { [field]: link[field] ?? row[field] });
    }
  }
}

function isLater(time: string | undefined, than: string | undefined): boolean {
  if (time === undefined || time === than) return false;
  return than === undefined || Date.parse(time) > Date.parse(than);
}
