import type { ListedFile } from "../../shared/contracts/portal-family.ts";
import { LayoutNotRecognisedError } from "../../shared/errors.ts";
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

/**
 * More pages than this is a pager that lies; so is one that leads through this many empty pages in a row, or through so many that repeat
 * what was read before. The last is generous: a burst of new files moves everything back by some pages while the listing is read.
 */
const MAX_PAGES = 5000;
const EMPTY_PAGES = 3;
const REPEATED_PAGES = 50;

/**
 * All pages of a listing in page order, fetched a few at a time, each file once. The portal may change while it is read: a later page
 * that names a larger last one extends the run; and when files vanished, others have moved up to pages that were read before, so
 * the first pages are read again at the end for as long as they bring something new. Without a pager a full first page is followed
 * likewise, since pagers vanish and servers answer pages beyond the end with the last one, or with none.
 * @throws {LayoutNotRecognisedError} when page after page repeats what was read: the listing cannot be known to be whole
 */
export async function* readPages(listing: PagedListing): AsyncGenerator<ListedFile[]> {
  const seen = new Set<string>();
  const first = await listing.fetchPage(1);
  yield unseen(first, seen);
  if (first.lastPage === null) {
    if (first.rowCount >= listing.pageSize) yield* probe(listing, 2, seen);
    return;
  }
  let last = Math.min(first.lastPage, MAX_PAGES);
  if (last < 2) return;
  let next = 2;
  let empty = 0;
  let repeated = 0;
  const start = () => (next <= last && empty < EMPTY_PAGES ? listing.fetchPage(next++) : null);
  for await (const page of readAhead(start, listing.concurrency, listing.signal)) {
    last = Math.min(Math.max(last, page.lastPage ?? 0), MAX_PAGES);
    empty = page.rowCount === 0 ? empty + 1 : 0;
    const fresh = unseen(page, seen);
    repeated = fresh.length === 0 && page.rowCount > 0 ? repeated + 1 : 0;
    if (repeated >= REPEATED_PAGES) {
      throw new LayoutNotRecognisedError(
        `the pager names ${last} pages, but ${REPEATED_PAGES} in a row repeat earlier ones: the page number is not heeded`,
      );
    }
    yield fresh;
  }
  yield* probe(listing, 1, seen);
}

/** Follows pages one by one until one brings nothing that was not seen. */
async function* probe(listing: PagedListing, from: number, seen: Set<string>): AsyncGenerator<ListedFile[]> {
  for (let number = from; number <= MAX_PAGES; number++) {
    listing.signal.throwIfAborted();
    const fresh = unseen(await listing.fetchPage(number), seen);
    if (fresh.length === 0) return;
    yield fresh;
  }
}

function unseen(page: ListingPage, seen: Set<string>): ListedFile[] {
  const fresh = page.files.filter((file) => !seen.has(file.fileName));
  for (const file of fresh) seen.add(file.fileName);
  return fresh;
}
