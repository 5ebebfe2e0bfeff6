import type pg from "pg";
import type { Chain } from "../shared/contracts/chain.ts";
import type { PortalFamily } from "../shared/contracts/portal-family.ts";
import { RetryableError } from "../shared/errors.ts";
import type { ChainRegistry, StageDeps } from "../shared/stage.ts";
import { type Candidate, type CrawlFilter, newestOnly, withDefaultDays } from "./listed-file.ts";
import { judgeListing, LISTING_STATES, type ListingState } from "./listing-health.ts";
import { publishOutbox, recordListed } from "./outbox.ts";
import { type ListingAccess, noCounts, readListing } from "./read-listing.ts";

export type CrawlerDeps = Pick<StageDeps, "db" | "bus" | "log" | "metrics" | "chains"> & { access: ListingAccess };

export interface ListChainOptions {
  filter: CrawlFilter;
  /** Stops the listing: what was recorded is still published. */
  signal: AbortSignal;
  /** A listing that takes longer counts as unreachable, in milliseconds. */
  deadlineMs: number;
  now: () => Date;
  /** How long after its time the listing starts. @default 0 */
  lateSeconds?: number;
}

/** One listing of one chain. `stopped`: the process was asked to end, which says nothing of the portal. */
export interface ListingOutcome {
  chain: string;
  state: ListingState | "stopped";
  detail: string | null;
  /** Files that were asked for. */
  filesListed: number;
  /** New in the ledger, candidate revisions included. */
  filesNew: number;
  revisions: number;
  published: number;
  unknownNames: number;
  seconds: number;
  /** How long after its time it started: waiting for other chains. */
  lateSeconds: number;
}

/** Publishing waits for the end of a listing, to go in version order, but not so long that links expire. */
const PUBLISH_AFTER_MS = 60_000;

/**
 * Lists one chain: files into the ledger page by page, then onto the bus; the state of the listing into `chain_listings`, metrics
 * and log.
 * @throws when the database or the bus fails; a portal that fails is an outcome
 */
export async function listChain(
  deps: CrawlerDeps,
  chain: Chain,
  family: PortalFamily,
  options: ListChainOptions,
): Promise<ListingOutcome> {
  const startedAt = options.now();
  const filter = withDefaultDays(options.filter, startedAt);
  const deadline = deadlineSignal(options.deadlineMs);
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const portal = deps.access.forChain(chain, signal);
  const context = { chain, http: portal.http, ftp: portal.ftp, signal, now: options.now };
  const counts = noCounts();
  const intake = createIntake(deps, chain);
  const held: Candidate[] = [];
  try {
    for await (const candidates of readListing(family, context, filter, counts)) {
      if (filter.latest) held.push(...candidates);
      else await intake.take(candidates);
    }
    if (held.length > 0) await intake.take(newestOnly(chain, held));
    await intake.publish();
  } finally {
    deadline.clear();
    await portal.close();
  }
  const stopped = options.signal.aborted && counts.error !== null;
  const health = stopped
    ? ({ state: "stopped", detail: null } as const)
    : judgeListing(chain, filter, counts, options.now());
  const outcome: ListingOutcome = {
    chain: chain.key,
    ...health,
    filesListed: counts.matched,
    ...intake.totals,
    unknownNames: counts.unknownNames,
    seconds: (options.now().getTime() - startedAt.getTime()) / 1000,
    lateSeconds: options.lateSeconds ?? 0,
  };
  if (!stopped) await recordListing(deps.db, outcome, startedAt, options.now());
  report(deps, chain, outcome);
  return outcome;
}

/** Takes pages into the ledger and onto the bus, and counts. */
function createIntake(deps: CrawlerDeps, chain: Chain) {
  const siblings = siblingsOf(deps.chains, chain);
  const freshUrls = new Map<string, string>();
  const totals = { filesNew: 0, revisions: 0, published: 0 };
  let publishedAt = Date.now();

  async function publish(): Promise<void> {
    // Every listed file that waits for publication has its link here; what no listing names any more is the sweep's.
    if (freshUrls.size === 0) return;
    totals.published += await publishOutbox(deps, { chain: chain.key, freshUrls });
    freshUrls.clear();
    publishedAt = Date.now();
  }

  return {
    totals,
    publish,
    async take(candidates: readonly Candidate[]): Promise<void> {
      const recorded = await recordListed(deps.db, chain, siblings, candidates, freshUrls);
      totals.filesNew += recorded.created;
      totals.revisions += recorded.revisions;
      if (Date.now() - publishedAt > PUBLISH_AFTER_MS) await publish();
    },
  };
}

/** Other registry entries that publish under one of this chain's ids: an old source beside the new one. */
function siblingsOf(chains: ChainRegistry, chain: Chain): string[] {
  return chains
    .all()
    .filter((other) => other.key !== chain.key && other.chainIds.some((id) => chain.chainIds.includes(id)))
    .map((other) => other.key);
}

function deadlineSignal(milliseconds: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const seconds = Math.round(milliseconds / 1000);
    controller.abort(new RetryableError(`the listing was not finished after ${seconds} s and was given up`));
  }, milliseconds);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

async function recordListing(db: pg.Pool, outcome: ListingOutcome, startedAt: Date, finishedAt: Date): Promise<void> {
  await db.query({
    name: "crawler-record-listing",
    text: `INSERT INTO chain_listings (chain, state, detail, files_listed, files_new, started_at, finished_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (chain) DO UPDATE SET state = EXCLUDED.state, detail = EXCLUDED.detail, files_listed = EXCLUDED.files_listed,
        files_new = EXCLUDED.files_new, started_at = EXCLUDED.started_at, finished_at = EXCLUDED.finished_at`,
    values: [
      outcome.chain,
      outcome.state,
      outcome.detail,
      outcome.filesListed,
      outcome.filesNew,
      startedAt,
      finishedAt,
    ],
  });
}

function report({ log, metrics }: CrawlerDeps, chain: Chain, outcome: ListingOutcome): void {
  metrics.listingsTotal.inc({ chain: chain.key, state: outcome.state });
  metrics.listingLateSeconds.observe(outcome.lateSeconds);
  if (outcome.state !== "stopped") {
    for (const state of LISTING_STATES) {
      metrics.listingState.set({ chain: chain.key, state }, state === outcome.state ? 1 : 0);
    }
  }
  metrics.filesTotal.inc({ stage: "crawlers", outcome: "discovered" }, outcome.filesNew);
  metrics.filesTotal.inc({ stage: "crawlers", outcome: "unknown-name" }, outcome.unknownNames);
  metrics.stageSeconds.observe({ stage: "crawlers" }, outcome.seconds);
  const good = outcome.state === "found" || outcome.state === "empty-plausible" || outcome.state === "stopped";
  const level = good && outcome.unknownNames === 0 ? "info" : "warn";
  log[level]({ ...outcome, portal: chain.portal }, `listing of ${chain.key}: ${outcome.state}`);
}
