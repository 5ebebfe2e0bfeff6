import type { FileType } from "../../shared/contracts/file-identity.ts";
import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { daysOf } from "../listing/days.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { readPagedTable } from "../listing/paged-table.ts";
import { type ListingPage, readPages } from "../listing/pages.ts";

/** Parameters `t` (kind) and `f` (0 delta, 1 full). */
const QUERY: Record<FileType, { t: string; f: string }> = {
  price: { t: "1", f: "0" },
  "price-full": { t: "1", f: "1" },
  promo: { t: "2", f: "0" },
  "promo-full": { t: "2", f: "1" },
  stores: { t: "3", f: "" },
};
/** Without types: each kind, full and delta together. */
const EVERYTHING = ["1", "2", "3"].map((t) => ({ t, f: "" }));

/** Rows of a full page; where the pager is missing, a page this long makes the next one be tried. */
const PAGE_SIZE = 20;

/** HTML tables by day, kind and full or delta, with a pager. */
export const cityMarketShops: PortalFamily = {
  name: "city-market-shops",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  const queries = filter.types?.map((type) => QUERY[type]) ?? EVERYTHING;
  for (const day of daysOf(filter, context.now())) {
    for (const query of queries) {
      yield* readPages({
        fetchPage: (number) => fetchPage(context, { d: day, s: "", ...query }, number),
        pageSize: PAGE_SIZE,
        concurrency: context.chain.maxParallel,
        signal: context.signal,
      });
    }
  }
}

async function fetchPage(context: PortalContext, query: Record<string, string>, number: number): Promise<ListingPage> {
  const url = new URL(context.chain.baseUrl);
  url.search = new URLSearchParams({ ...query, ...(number > 1 ? { p: String(number) } : {}) }).toString();
  return readPagedTable("city-market-shops", await context.http.text(url.href), url.href);
}
