import type { ListedFile } from "../../shared/contracts/portal-family.ts";
import { readAhead } from "./read-ahead.ts";

/** One page of a paged listing. */
export interface ListingPage {
  files: ListedFile[];
  /** Rows on the page, readable or not. */
  rowCount: number;
  /** Largest page number that the pager names; null where there is no pager. */
  lastPage: number | null;
}

export interface PagedListing {
  /** Page `number`, counted from 1. */
  fetchPage(number: number): Promise<ListingPage>;
  /** Rows on a full page: a full first page without a pager makes the next ones be tried, since pagers vanish. */
  pageSize: number;
  /** Pages fetched at once. */
  concurrency: number;
  signal: AbortSignal;
}

/** More pages than this is a pager that lies. */
const MAX_PAGES = 5000;

/**
 * All pages of a listing in page order, fetched a few at a time. The last page may move while it is read: a later page that
 * names a larger one extends the run, a page beyond the end is simply empty.
 */
export async function* readPages(listing: PagedListing): AsyncGenerator<ListedFile[]> {
  const first = await listing.fetchPage(1);
  yield first.files;
  if (first.lastPage === null) {
    if (first.rowCount >= listing.pageSize) yield* probePages(listing, first);
    return;
  }
  let last = Math.min(first.lastPage, MAX_PAGES);
  let next = 2;
  const start = () => (next <= last ? listing.fetchPage(next++) : null);
  for await (const page of readAhead(start, listing.concurrency, listing.signal)) {
    last = Math.min(Math.max(last, page.lastPage ?? 0), MAX_PAGES);
    yield page.files;
  }
}

/** Follows pages one by one until one brings nothing that was not seen: servers answer the last page again, or none. */
async function* probePages(listing: PagedListing, first: ListingPage): AsyncGenerator<ListedFile[]> {
  const seen = new Set(first.files.map((file) => file.fileName));
  for (let number = 2; number <= MAX_PAGES; number++) {
    listing.signal.throwIfAborted();
    const page = await listing.fetchPage(number);
    const fresh = page.files.filter((file) => !seen.has(file.fileName));
    if (fresh.length === 0) return;
    for (const file of fresh) seen.add(file.fileName);
    yield fresh;
  }
}
