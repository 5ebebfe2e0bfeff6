import { ownChainId, type Chain } from "../shared/contracts/chain.ts";
import {
  comparableCode,
  fileIdOf,
  type FileNameParts,
  fileVersionOf,
  isSafeFileName,
  parseFileName,
} from "../shared/contracts/file-identity.ts";
import { type FileIdentity, SCHEMA_VERSION } from "../shared/contracts/file-messages.ts";
import type { ListedFile, ListingFilter } from "../shared/contracts/portal-family.ts";
import { daysBefore, israelDay } from "../shared/israel-time.ts";

/** A listed file whose name was understood. */
export interface Candidate {
  listed: ListedFile;
  parts: FileNameParts;
}

/** What a listing is narrowed to. `latest`: only the newest file per store and type. */
export type CrawlFilter = ListingFilter & { latest?: boolean };

/** Null for a name that no chain is known to use, or that is not safe as a path segment: counted, never fatal. */
export function readListed(listed: ListedFile): Candidate | null {
  if (!isSafeFileName(listed.fileName)) return null;
  try {
    return { listed, parts: parseFileName(listed.fileName) };
  } catch {
    return null;
  }
}

/** Who the file is, at a revision. Aliases of a chain id become the chain's own id. */
export function identityOf(chain: Chain, candidate: Candidate, revision: number): FileIdentity {
  const { parts, listed } = candidate;
  const fileId = fileIdOf(chain.key, listed.fileName, revision);
  return {
    schemaVersion: SCHEMA_VERSION,
    fileId,
    chain: chain.key,
    chainId: ownChainId(chain, parts.chainId),
    subChainId: parts.subChainId,
    storeId: parts.storeId,
    portal: chain.portal,
    fileName: listed.fileName,
    fileType: parts.fileType,
    publishedAt: parts.publishedAt,
    version: fileVersionOf({ ...parts, revision, fileId }),
    revision,
  };
}

/**
 * The filter in force at `now`, so that old leftovers stay out: without any day named, today and yesterday in Israel; with a last day
 * alone, that one and the one before.
 */
export function withDefaultDays(filter: CrawlFilter, now: Date): CrawlFilter {
  if (filter.since !== undefined) return filter;
  const until = filter.until ?? israelDay(now);
  return { ...filter, since: daysBefore(until, 1), until };
}

/** Whether a file is asked for. Stores files belong to every store of the chain: a filter by store never drops them. */
export function matches(parts: FileNameParts, filter: ListingFilter): boolean {
  if (filter.types && !filter.types.includes(parts.fileType)) return false;
  if (filter.stores && parts.storeId !== null && parts.fileType !== "stores") {
    const store = comparableCode(parts.storeId);
    if (!filter.stores.some((wanted) => comparableCode(wanted) === store)) return false;
  }
  const day = israelDay(parts.publishedAt);
  return (filter.since === undefined || day >= filter.since) && (filter.until === undefined || day <= filter.until);
}

/** The newest file per chain id, store and type. */
export function newestOnly(chain: Chain, candidates: readonly Candidate[]): Candidate[] {
  const newest = new Map<string, { candidate: Candidate; version: string }>();
  for (const candidate of candidates) {
    const { fileType, chainId, storeId } = candidate.parts;
    const key = `${chainId}\n${storeId === null ? "-" : comparableCode(storeId)}\n${fileType}`;
    const version = identityOf(chain, candidate, 0).version;
    const best = newest.get(key);
    if (!best || version > best.version) newest.set(key, { candidate, version });
  }
  return [...newest.values()].map(({ candidate }) => candidate);
}
