import type { PortalContext, PortalFamily } from "../shared/contracts/portal-family.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { LayoutNotRecognisedError, RetryableError } from "../shared/errors.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";
import { type Candidate, type CrawlFilter, matches, readListed } from "./listed-file.ts";
import type { ListingCounts } from "./listing-health.ts";

/** The part of `PortalAccess` that listing needs. */
export interface ListingAccess {
  forChain(chain: Chain, signal?: AbortSignal): Pick<PortalSession, "http" | "ftp" | "close">;
}

/** The largest listing known has some 5,400 files; one that never ends must end. */
const MOST_FILES = 50_000;

export function noCounts(): ListingCounts {
  return { known: 0, matched: 0, unknownNames: 0, unknownSample: null, error: null };
}

/**
 * Reads a chain's listing: names validated, duplicates across pages removed, narrowed to the filter. Never throws for the portal's
 * sake: `counts.error` says what ended the listing, after the files that came before it. A family that does not heed the signal is
 * left behind.
 */
export async function* readListing(
  family: Pick<PortalFamily, "list">,
  context: PortalContext,
  filter: CrawlFilter,
  counts: ListingCounts,
): AsyncGenerator<Candidate[]> {
  const seen = new Set<string>();
  const iterator = family.list(context, filter)[Symbol.asyncIterator]();
  for (;;) {
    let page: Awaited<ReturnType<typeof iterator.next>>;
    try {
      page = await unlessAborted(iterator.next(), context.signal);
    } catch (error) {
      counts.error = error;
      // Lets the family clean up; what it still does concerns nobody any more.
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
      return;
    }
    if (page.done) return;
    if (seen.size > MOST_FILES) {
      counts.error = new LayoutNotRecognisedError(`more than ${MOST_FILES} files are listed, and no end`);
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
      return;
    }
    const asked: Candidate[] = [];
    for (const listed of page.value) {
      if (seen.has(listed.fileName)) continue;
      seen.add(listed.fileName);
      const candidate = readListed(listed);
      if (candidate === null) {
        counts.unknownNames++;
        counts.unknownSample ??= listed.fileName.slice(0, 100);
        continue;
      }
      counts.known++;
      if (matches(candidate.parts, filter)) asked.push(candidate);
    }
    counts.matched += asked.length;
    if (asked.length > 0) yield asked;
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason instanceof Error ? signal.reason : new RetryableError("the listing was stopped");
}
