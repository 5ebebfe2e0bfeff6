import type { PromotionItem, PromotionRow } from "../../shared/contracts/ingest-messages.ts";
import { GROUP, GROUP_FIELDS, LINK, LINK_FIELDS, localName, PROMOTION, PROMOTION_FIELDS } from "../dialects/fields.ts";
import { FieldSlots } from "../field-slots.ts";
import { NO_DATE } from "../normalise/dates.ts";
import { isPlaceholderCode } from "../normalise/gtin.ts";
import { cleanText, detached } from "../normalise/text.ts";
import {
  flagOf,
  moneyOf,
  quantityOf,
  type Rejection,
  type RowBuilder,
  type RowContext,
  updatedAtOf,
} from "./row-context.ts";

type Scope = "promotion" | "link" | "group" | "clubs" | "remarks" | "restrictions" | "links" | "groups" | "gifts";

/** A dialect has a few dozen tags. */
const MAX_NAMES = 500;

/** Elements of a promotion that hold elements, and what they hold. Their children decide by these words, never by depth. */
const SCOPES: ReadonlyMap<string, Scope> = new Map([
  ["promotionitems", "links"],
  ["giftsitems", "gifts"],
  ["giftitems", "gifts"],
  ["item", "link"],
  ["promotionitem", "link"],
  ["giftitem", "link"],
  ["groups", "groups"],
  ["group", "group"],
  ["clubs", "clubs"],
  ["remarks", "remarks"],
  ["additionalrestrictions", "restrictions"],
]);

/**
 * A promotion with its links, groups, clubs and remarks, of every dialect: nested (std-root, groups-2026, wolt) or one row per
 * promotion and item (matrix-sales, orderxml). It is rejected when it has no id, or when a start or end is published that is no
 * date: without it the promotion would look valid for ever. Numbers stay as published, their meaning differs by dialect.
 */
export class PromotionRowBuilder implements RowBuilder<PromotionRow> {
  readonly #context: RowContext;
  readonly #promotion: FieldSlots;
  readonly #link: FieldSlots;
  readonly #group: FieldSlots;
  #scopes: Scope[] = [];
  #scope: Scope = "promotion";
  #links: PromotionItem[] = [];
  readonly #linkCodes = new Set<string>();
  /** Keys of the links; null until a code stands twice in a promotion, which few do. */
  #linkKeys: Set<string> | null = null;
  /** Local names by tag as published. */
  readonly #names = new Map<string, string>();
  #groups: PromotionRow["groups"] = [];
  #clubs: string[] = [];
  #remarks: string[] = [];
  #inGifts = false;
  /** Links that named no item: placeholders and missing codes. */
  #droppedLinks = 0;

  constructor(context: RowContext) {
    this.#context = context;
    this.#promotion = new FieldSlots(PROMOTION_FIELDS, context.unknownTags);
    this.#link = new FieldSlots(LINK_FIELDS, context.unknownTags);
    this.#group = new FieldSlots(GROUP_FIELDS, context.unknownTags);
  }

  begin(): void {
    this.#promotion.clear();
    this.#link.clear();
    this.#group.clear();
    this.#scopes = [];
    this.#scope = "promotion";
    this.#links = [];
    this.#linkCodes.clear();
    this.#linkKeys = null;
    this.#groups = [];
    this.#clubs = [];
    this.#remarks = [];
    this.#inGifts = false;
    this.#droppedLinks = 0;
  }

  enter(tag: string): void {
    const inside = this.#scope;
    this.#scopes.push(inside);
    // Whatever stands in a list of links is a link, and in a list of groups a group: row tags differ by dialect.
    const scope = SCOPES.get(this.#nameOf(tag));
    if (scope !== undefined) this.#scope = scope;
    else if (inside === "links" || inside === "gifts") this.#scope = "link";
    else if (inside === "groups") this.#scope = "group";
    if (this.#scope === "gifts") this.#inGifts = true;
  }

  leave(): void {
    const left = this.#scope;
    this.#scope = this.#scopes.pop() ?? "promotion";
    if (left === this.#scope) return;
    if (left === "link" || left === "links") this.#closeLink();
    if (left === "gifts") {
      this.#closeLink();
      this.#inGifts = false;
    }
    if (left === "group") this.#closeGroup();
  }

  field(tag: string, text: string): void {
    const scope = this.#scope;
    if (scope === "link") {
      this.#link.put(tag, text);
      return;
    }
    const name = this.#nameOf(tag);
    if (text.length === 0 && SCOPES.has(name)) return;
    if (name === "clubid" || name === "clubs" || scope === "clubs") this.#addClub(text);
    else if (name === "remark" || name === "remarks" || scope === "remarks") this.#addRemark(text);
    else if (scope === "links" || scope === "gifts") this.#looseLinkField(name, tag, text);
    else if (scope === "group" && this.#group.has(tag)) this.#group.put(tag, text);
    else if (name === "itemcode" || name === "itemtype" || name === "giftitemprice") this.#link.put(tag, text);
    else this.#promotion.put(tag, text);
  }

  finish(line: number): PromotionRow | Rejection {
    const texts = this.#promotion.values;
    if (this.#link.values[LINK.itemCode] !== undefined) {
      // A flat row: its IsGiftItem speaks of its item.
      this.#link.values[LINK.isGift] ??= texts[PROMOTION.isGift];
      this.#closeLink();
    }
    const code = cleanText(texts[PROMOTION.code]);
    if (code === undefined) return { reason: "no promotion id", code: undefined };
    if (code.length > 64) return { reason: `promotion id of ${code.length} characters`, code: undefined };
    const startsAt = this.#moment(PROMOTION.startDateTime, PROMOTION.startDate, PROMOTION.startHour);
    if (startsAt === NO_DATE) return { reason: `start is no date: "${this.#shown(PROMOTION.startDate)}"`, code };
    const endsAt = this.#moment(PROMOTION.endDateTime, PROMOTION.endDate, PROMOTION.endHour);
    if (endsAt === NO_DATE) return { reason: `end is no date: "${this.#shown(PROMOTION.endDate)}"`, code };
    const context = this.#context;
    context.seenCodes.add(code);
    if (this.#droppedLinks > 0)
      context.problems.inRow("links without an item (placeholder or no code) left out", line, code);

    return {
      line,
      promotionCode: code,
      description: cleanText(texts[PROMOTION.description]),
      updatedAt: updatedAtOf(context, texts[PROMOTION.updatedAt], line),
      startsAt,
      endsAt,
      days: cleanText(texts[PROMOTION.days]),
      rewardType: cleanText(texts[PROMOTION.rewardType]) ?? this.#links[0]?.rewardType,
      allowMultiple: flagOf(context, "allowMultiple", texts[PROMOTION.allowMultiple], line),
      weighted: flagOf(context, "weighted", texts[PROMOTION.isWeighted], line),
      minQty: quantityOf(context, "minQty", texts[PROMOTION.minQty], line),
      maxQty: quantityOf(context, "maxQty", texts[PROMOTION.maxQty], line),
      minPurchaseAmount: moneyOf(context, "minPurchaseAmount", texts[PROMOTION.minPurchaseAmount], line),
      minAmount: moneyOf(context, "minAmount", texts[PROMOTION.minAmount], line),
      maxAmount: moneyOf(context, "maxAmount", texts[PROMOTION.maxAmount], line),
      discountRate: quantityOf(context, "discountRate", texts[PROMOTION.discountRate], line),
      discountType: cleanText(texts[PROMOTION.discountType]),
      discountedPrice: moneyOf(context, "discountedPrice", texts[PROMOTION.discountedPrice], line),
      discountedPricePerUnit: moneyOf(context, "discountedPricePerUnit", texts[PROMOTION.discountedPricePerUnit], line),
      minItemsOffered: quantityOf(context, "minItemsOffered", texts[PROMOTION.minItemsOffered], line),
      weightUnit: cleanText(texts[PROMOTION.weightUnit]),
      redemptionLimit: cleanText(texts[PROMOTION.redemptionLimit]),
      isCoupon: flagOf(context, "isCoupon", texts[PROMOTION.isCoupon], line),
      giftCount: quantityOf(context, "giftCount", texts[PROMOTION.giftCount], line),
      isTotal: flagOf(context, "isTotal", texts[PROMOTION.isTotal], line),
      isActive: flagOf(context, "isActive", texts[PROMOTION.isActive], line),
      minBasketAmount: moneyOf(context, "minBasketAmount", texts[PROMOTION.minBasketAmount], line),
      restrictions: cleanText(texts[PROMOTION.restrictions]),
      remarks: this.#remarks,
      clubs: this.#clubs,
      groups: this.#groups,
      items: this.#links,
      extra: this.#extra(),
    };
  }

  /** Texts of unknown tags. In groups-2026 the promotion itself says that it has gifts and not which: kept beside them. */
  #extra(): Record<string, string> | undefined {
    const { extra, values } = this.#promotion;
    const hasGifts = cleanText(values[PROMOTION.isGift]);
    const isKnown = hasGifts === undefined || hasGifts === "0" || this.#links.some((link) => link.isGift);
    return isKnown ? extra : { ...extra, IsGiftItem: hasGifts };
  }

  /** Start or end: one text with the time in it, or a date and an hour. */
  #moment(both: number, date: number, hour: number) {
    const texts = this.#promotion.values;
    const { dates } = this.#context;
    return texts[both] === undefined ? dates.readPair(texts[date], texts[hour]) : dates.read(texts[both]);
  }

  #shown(dateSlot: number): string {
    const texts = this.#promotion.values;
    return [texts[dateSlot - 1], texts[dateSlot], texts[dateSlot + 1]].filter((text) => text !== undefined).join(" ");
  }

  /** Links written without an element of their own: a second code begins the next link. */
  #looseLinkField(name: string, tag: string, text: string): void {
    if (name === "itemcode" && this.#link.values[LINK.itemCode] !== undefined) this.#closeLink();
    if (this.#link.has(tag)) this.#link.put(tag, text);
    else this.#promotion.put(tag, text);
  }

  #closeLink(): void {
    const texts = this.#link.values;
    const isEmpty = texts.every((text) => text === undefined) && this.#link.extra === undefined;
    if (isEmpty) return;
    const ean = cleanText(texts[LINK.itemCode]);
    if (ean === undefined || ean.length > 64 || isPlaceholderCode(ean)) this.#droppedLinks++;
    else this.#addLink(ean, texts);
    this.#link.clear();
  }

  #addLink(ean: string, texts: readonly (string | undefined)[]): void {
    // The promotion's own IsGiftItem only says that there are gifts: the links of groups-2026 do not say which.
    const context = this.#context;
    const isGift = flagOf(context, "isGift", texts[LINK.isGift], null) ?? this.#inGifts;
    const master = context.masters.of(ean);
    const link: PromotionItem = {
      ean,
      gtin: master.gtin,
      master_id: master.master_id,
      master_key: master.master_key,
      master_method: master.master_method,
      master_confidence: 1,
      isGift,
      itemType: cleanText(texts[LINK.itemType]),
      giftPrice: moneyOf(context, "giftPrice", texts[LINK.giftPrice], null),
      groupId: cleanText(this.#group.values[GROUP.groupId]),
      rewardType: cleanText(texts[LINK.rewardType]),
      minQty: quantityOf(context, "minQty", texts[LINK.minQty], null),
      maxQty: quantityOf(context, "maxQty", texts[LINK.maxQty], null),
      discountRate: quantityOf(context, "discountRate", texts[LINK.discountRate], null),
      discountedPrice: moneyOf(context, "discountedPrice", texts[LINK.discountedPrice], null),
      discountedPricePerUnit: moneyOf(context, "discountedPricePerUnit", texts[LINK.discountedPricePerUnit], null),
      weighted: flagOf(context, "weighted", texts[LINK.isWeighted], null),
      extra: this.#link.extra,
    };
    this.#noteIfDuplicate(link);
    this.#links.push(link);
  }

  #noteIfDuplicate(link: PromotionItem): void {
    const codes = this.#linkCodes.size;
    this.#linkCodes.add(link.ean);
    if (this.#linkKeys === null) {
      if (this.#linkCodes.size > codes) return;
      this.#linkKeys = new Set(this.#links.map(linkKey));
    }
    const keys = this.#linkKeys.size;
    if (this.#linkKeys.add(linkKey(link)).size === keys) this.#context.problems.note(DUPLICATE_LINK);
  }

  #nameOf(tag: string): string {
    const known = this.#names.get(tag);
    if (known !== undefined) return known;
    const name = localName(tag);
    if (this.#names.size < MAX_NAMES) this.#names.set(detached(tag), name);
    return name;
  }

  #closeGroup(): void {
    const texts = this.#group.values;
    const groupId = cleanText(texts[GROUP.groupId]);
    if (groupId !== undefined) {
      this.#groups.push({
        groupId,
        minPurchaseAmount: moneyOf(this.#context, "minPurchaseAmount", texts[GROUP.minPurchaseAmount], null),
        discountType: cleanText(texts[GROUP.discountType]),
      });
    }
    this.#group.clear();
  }

  /** `0 - words` names club 0: the number before the dash is the club. */
  #addClub(text: string): void {
    const trimmed = cleanText(text);
    if (trimmed === undefined) return;
    const club = /^(\d+)\s*-/.exec(trimmed)?.[1] ?? trimmed;
    if (!this.#clubs.includes(club)) this.#clubs.push(club);
  }

  #addRemark(text: string): void {
    const remark = cleanText(text);
    if (remark !== undefined) this.#remarks.push(remark);
  }
}

/** Kept as published: the position tells such links apart. */
export const DUPLICATE_LINK = "a link stands twice in one promotion, equal in every field";

/** Two links with one key say the same. */
export function linkKey(link: PromotionItem): string {
  return `${link.ean}|${link.isGift}|${link.groupId ?? ""}|${link.giftPrice ?? ""}|${link.minQty ?? ""}|${link.maxQty ?? ""}|${
    link.discountRate ?? ""
  }|${link.discountedPrice ?? ""}|${link.rewardType ?? ""}`;
}
