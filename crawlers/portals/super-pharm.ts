import type { FileType } from "../../shared/contracts/file-identity.ts";
import type {
  FetchTarget,
  ListedFile,
  ListingFilter,
  PortalContext,
  PortalFamily,
} from "../../shared/contracts/portal-family.ts";
import { LayoutNotRecognisedError } from "../../shared/errors.ts";
import { PortalStatusError } from "../../shared/net/net-errors.ts";
import { dayMonthYear, daysOf } from "../listing/days.ts";
import { findAgain } from "../listing/find-again.ts";
import { layoutError } from "../listing/html.ts";
import { type ListingPage, readPages } from "../listing/pages.ts";
import { readFileTable } from "../listing/table.ts";

const PORTAL = "super-pharm";
const PAGE_SIZE = 20;

/** There is no category for delta promotions any more: they stand among the full ones. */
const CATEGORY: Record<FileType, string> = {
  price: "Price",
  "price-full": "PriceFull",
  promo: "PromoFull",
  "promo-full": "PromoFull",
  stores: "Stores",
};

/**
 * HTML tables of 20 rows, by day and category. A download takes two steps with the same cookies: the listed link answers with the
 * address of the file, which lives ten minutes.
 */
export const superPharm: PortalFamily = {
  name: PORTAL,
  list,

  async resolve(context, file) {
    if (!file.fresh) {
      try {
        return await secondStep(context, file.url);
      } catch (error) {
        // The listed link has had its day: look the file up again. A host that is down would not list it either.
        const isStale =
          error instanceof LayoutNotRecognisedError ||
          (error instanceof PortalStatusError && error.status >= 400 && error.status < 500);
        if (!isStale) throw error;
      }
    }
    return secondStep(context, (await findAgain(context, list, file)).url);
  },
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  const categories = filter.types ? [...new Set(filter.types.map((type) => CATEGORY[type]))] : [null];
  for (const day of daysOf(filter, context.now())) {
    for (const category of categories) {
      yield* readPages({
        fetchPage: (number) => fetchPage(context, day, category, number),
        pageSize: PAGE_SIZE,
        concurrency: context.chain.maxParallel,
        signal: context.signal,
      });
    }
  }
}

async function fetchPage(
  context: PortalContext,
  day: string,
  category: string | null,
  number: number,
): Promise<ListingPage> {
  const url = new URL(context.chain.baseUrl);
  url.searchParams.set("Date-equals", dayMonthYear(day));
  if (category !== null) url.searchParams.set("Category-equals", category);
  if (number > 1) url.searchParams.set("page", String(number));
  const html = await context.http.text(url.href);
  const { $, files, rowCount } = readFileTable(html, url.href, { portal: PORTAL, rows: "tbody > tr" });
  const numbers = $(".mvc-grid-pager [data-page]")
    .toArray()
    .map((button) => Number($(button).attr("data-page")))
    .filter(Number.isInteger);
  return { files, rowCount, lastPage: numbers.length === 0 ? null : Math.max(...numbers) };
}

/** Asks a listed link for the address of its file, which ends in the moment it expires. */
async function secondStep(context: PortalContext, url: string): Promise<FetchTarget> {
  const body = await context.http.text(url);
  const href = hrefIn(body);
  if (href === null) throw layoutError(PORTAL, '{"status": 0, "href": …}', new URL(url).origin, body);
  const target = new URL(href, context.chain.baseUrl).href;
  const expiry = /\/(\d{9,11})\/?$/.exec(new URL(target).pathname)?.[1];
  return expiry === undefined ? { url: target } : { url: target, expiresAt: new Date(Number(expiry) * 1000) };
}

function hrefIn(body: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof answer !== "object" || answer === null || !("href" in answer) || !("status" in answer)) return null;
  return answer.status === 0 && typeof answer.href === "string" && answer.href !== "" ? answer.href : null;
}
