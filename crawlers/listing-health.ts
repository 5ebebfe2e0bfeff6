import { DateTime } from "luxon";
import type { Chain, EmptyRule } from "../shared/contracts/chain.ts";
import { errorMessage, GogobeError, LayoutNotRecognisedError } from "../shared/errors.ts";
import { daysBefore, ISRAEL_ZONE, israelDay } from "../shared/israel-time.ts";
import { BodyTooLargeError } from "../shared/net/net-errors.ts";
import type { CrawlFilter } from "./listed-file.ts";
import { restAt } from "./rest-days.ts";

/** How a listing went. An outage is never "no files". */
export const LISTING_STATES = [
  "found",
  "empty-plausible",
  "empty-suspicious",
  "unreachable",
  "layout-not-recognised",
] as const;
export type ListingState = (typeof LISTING_STATES)[number];

/** What a listing counted, and the error that ended it, if one did. */
export interface ListingCounts {
  /** Names that were understood, asked for or not. */
  known: number;
  /** Files that were asked for. */
  matched: number;
  unknownNames: number;
  unknownSample: string | null;
  error: unknown;
}

export interface ListingHealth {
  state: ListingState;
  /** One sentence for a person; null when there is nothing to say. */
  detail: string | null;
}

/** Judges a listing of one chain. `filter` is the one in force, days included. */
export function judgeListing(chain: Chain, filter: CrawlFilter, counts: ListingCounts, now: Date): ListingHealth {
  if (counts.error !== null) return judgeError(chain, counts);
  if (counts.matched > 0) {
    const unknown =
      counts.unknownNames > 0 ? `${counts.unknownNames} names not understood, for example ${sample(counts)}` : null;
    return { state: "found", detail: unknown };
  }
  if (counts.known === 0 && counts.unknownNames > 0) {
    return {
      state: "layout-not-recognised",
      detail: `none of ${counts.unknownNames} listed names is a price file name, for example ${sample(counts)}`,
    };
  }
  const excuse = excuseFor(chain, filter, counts, now);
  const listed = counts.known > 0 ? `${counts.known} files listed, none of them asked for` : "no files listed";
  if (excuse !== null) return { state: "empty-plausible", detail: `${listed}: ${excuse}` };
  return { state: "empty-suspicious", detail: listed };
}

function judgeError(chain: Chain, counts: ListingCounts): ListingHealth {
  const { error } = counts;
  const hint = error instanceof GogobeError && error.hint !== undefined ? `; ${error.hint}` : "";
  const partly = counts.matched > 0 ? ` (after ${counts.matched} files)` : "";
  const known = chain.statusDetail === undefined ? "" : ` [known of this chain: ${chain.statusDetail}]`;
  return {
    state: isOfLayout(error) ? "layout-not-recognised" : "unreachable",
    detail: `${errorMessage(error)}${partly}${hint}${known}`,
  };
}

/** An answer that is no listing: another layout, far too large, or one on which the reader itself failed. */
function isOfLayout(error: unknown): boolean {
  if (error instanceof LayoutNotRecognisedError || error instanceof BodyTooLargeError) return true;
  return !(error instanceof GogobeError);
}

function excuseFor(chain: Chain, filter: CrawlFilter, counts: ListingCounts, now: Date): string | null {
  const today = israelDay(now);
  const rule = chain.mayBeEmpty?.find(
    (candidate) => (candidate.until === undefined || today <= candidate.until) && applies(candidate, filter, now),
  );
  if (rule) return `expected of this chain (${rule.when}${rule.until === undefined ? "" : ` until ${rule.until}`})`;
  if (filter.until !== undefined && filter.until < daysBefore(today, 1)) return "portals keep few days";
  if (counts.known > 0 && (filter.stores || filter.types)) return "the filter is narrow";
  const rest = restAt(now);
  if (rest) return rest;
  // Full files of a day appear through the night and the morning.
  if (DateTime.fromJSDate(now, { zone: ISRAEL_ZONE }).hour < 12) return "before noon";
  return null;
}

function applies(rule: EmptyRule, filter: CrawlFilter, now: Date): boolean {
  const { types } = filter;
  switch (rule.when) {
    case "always":
      return true;
    case "saturday":
      return DateTime.fromJSDate(now, { zone: ISRAEL_ZONE }).weekday === 6;
    case "only-stores":
      return types !== undefined && types.every((type) => type === "stores");
    case "without-stores":
      return types !== undefined && !types.includes("stores");
    case "only-promotions":
      return types !== undefined && types.every((type) => type === "promo" || type === "promo-full");
    case "single-store":
      return filter.stores?.length === 1;
  }
}

function sample(counts: ListingCounts): string {
  return JSON.stringify(counts.unknownSample);
}
