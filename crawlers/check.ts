import { type Chain, ownChainId } from "../shared/contracts/chain.ts";
import { FILE_TYPES, type FileType } from "../shared/contracts/file-identity.ts";
import type { FileIdentity } from "../shared/contracts/file-messages.ts";
import type { PortalContext, PortalFamily } from "../shared/contracts/portal-family.ts";
import { type Candidate, type CrawlFilter, identityOf, readListed, withDefaultDays } from "./listed-file.ts";
import { judgeListing, type ListingState } from "./listing-health.ts";
import { type ListingAccess, noCounts, readListing } from "./read-listing.ts";

/** What listing one chain tells, for `gogobe chains check`. */
export interface ChainCheck {
  chain: string;
  portal: string;
  status: Chain["status"];
  state: ListingState;
  detail: string | null;
  filesListed: number;
  filesByType: Record<FileType, number>;
  unknownNames: number;
  /** A few names that do not parse: how a change of naming is noticed. */
  unknownSamples: string[];
  /** The newest file of each type, to download and parse. */
  samples: CheckSample[];
  /** Chain ids in file names that the registry entry does not name. */
  foreignChainIds: string[];
  /** The days that were asked for, both inclusive; null: open. */
  days: { since: string | null; until: string | null };
  seconds: number;
}

export interface CheckSample {
  identity: FileIdentity;
  /** As listed; may carry a signature. */
  url: string;
  sizeBytes: number | null;
}

export interface CheckOptions {
  /** Without a day in it: today and yesterday. */
  filter?: CrawlFilter;
  /** Ends the listing; its reason is then what the portal failed with. */
  signal?: AbortSignal;
  /** @default () => new Date() */
  now?: () => Date;
}

const UNKNOWN_SAMPLES = 10;
const FOREIGN_IDS = 10;

/**
 * Lists one chain without touching ledger or bus: state, counts by type, names that do not parse, and the newest file of each type. A
 * portal that fails is part of the report, not an error.
 */
export async function checkChain(
  deps: { access: ListingAccess },
  chain: Chain,
  family: PortalFamily,
  options: CheckOptions = {},
): Promise<ChainCheck> {
  const now = options.now ?? (() => new Date());
  const startedAt = now();
  const filter = withDefaultDays(options.filter ?? {}, startedAt);
  const signal = options.signal ?? new AbortController().signal;
  const portal = deps.access.forChain(chain, signal);
  const context: PortalContext = { chain, http: portal.http, ftp: portal.ftp, signal, now };
  const counts = noCounts();
  const unknownSamples: string[] = [];
  const foreign = new Set<string>();
  const newest = new Map<FileType, Candidate>();
  const filesByType = Object.fromEntries(FILE_TYPES.map((type) => [type, 0])) as Record<FileType, number>;
  try {
    for await (const page of readListing(watchNames(family, unknownSamples), context, filter, counts)) {
      for (const candidate of page) {
        const { fileType, chainId } = candidate.parts;
        filesByType[fileType]++;
        if (foreign.size < FOREIGN_IDS && !isOwnId(chain, chainId)) foreign.add(chainId);
        const best = newest.get(fileType);
        if (!best || versionOf(chain, candidate) > versionOf(chain, best)) newest.set(fileType, candidate);
      }
    }
    return {
      chain: chain.key,
      portal: chain.portal,
      status: chain.status,
      ...judgeListing(chain, filter, counts, now()),
      filesListed: counts.matched,
      filesByType,
      unknownNames: counts.unknownNames,
      unknownSamples,
      samples: FILE_TYPES.flatMap((type) => newest.get(type) ?? []).map((candidate) => sampleOf(chain, candidate)),
      foreignChainIds: [...foreign],
      days: { since: filter.since ?? null, until: filter.until ?? null },
      seconds: (now().getTime() - startedAt.getTime()) / 1000,
    };
  } finally {
    await portal.close();
  }
}

/** The family's listing, with the names noted that do not parse. */
function watchNames(family: PortalFamily, unknown: string[]): Pick<PortalFamily, "list"> {
  return {
    async *list(context, filter) {
      for await (const page of family.list(context, filter)) {
        for (const file of page) {
          if (unknown.length < UNKNOWN_SAMPLES && readListed(file) === null) unknown.push(file.fileName.slice(0, 100));
        }
        yield page;
      }
    },
  };
}

function versionOf(chain: Chain, candidate: Candidate): string {
  return identityOf(chain, candidate, 0).version;
}

function sampleOf(chain: Chain, { listed, parts }: Candidate): CheckSample {
  return { identity: identityOf(chain, { listed, parts }, 0), url: listed.url, sizeBytes: listed.sizeBytes };
}

function isOwnId(chain: Chain, publishedId: string): boolean {
  const bare = (id: string) => id.replace(/^0+(?=.)/, "");
  return chain.chainIds.some((id) => bare(id) === bare(ownChainId(chain, publishedId)));
}
