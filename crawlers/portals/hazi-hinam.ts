import type { FileType } from "../../shared/contracts/file-identity.ts";
import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { daysOf } from "../listing/days.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { readPagedTable } from "../listing/paged-table.ts";
import { type ListingPage, readPages } from "../listing/pages.ts";

/** Parameter `t`: the portal cannot tell full files from deltas. */
const KIND: Record<FileType, number> = { price: 1, "price-full": 1, promo: 2, "promo-full": 2, stores: 3 };

/** Rows of a full page; where the pager is missing, a page this long makes the next one be tried. */
const PAGE_SIZE = 20;

/** HTML tables by day and kind, with a pager. A day must always be named: without one the portal lists nothing useful. */
export const haziHinam: PortalFamily = {
  name: "hazi-hinam",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  const kinds = filter.types ? [...new Set(filter.types.map((type) => String(KIND[type])))] : ["null"];
  for (const day of daysOf(filter, context.now())) {
    for (const kind of kinds) {
      yield* readPages({
        fetchPage: (number) => fetchPage(context, day, kind, number),
        pageSize: PAGE_SIZE,
        concurrency: context.chain.maxParallel,
        signal: context.signal,
      });
    }
  }
}

async function fetchPage(context: PortalContext, day: string, kind: string, number: number): Promise<ListingPage> {
  const url = new URL(context.chain.baseUrl);
  url.search = new URLSearchParams({
    d: day,
    t: kind,
    f: "null",
    ...(number > 1 ? { p: String(number) } : {}),
  }).toString();
  return readPagedTable("hazi-hinam", await context.http.text(url.href), url.href);
}
