import { errorMessage } from "../shared/errors.ts";
import type { RunningStage, StageDeps } from "../shared/stage.ts";
import { type ChosenChain, chooseChains } from "./choose-chains.ts";
import { type CrawlerDeps, listChain, type ListingOutcome } from "./list-chain.ts";
import type { CrawlFilter } from "./listed-file.ts";
import { pause } from "./pause.ts";
import { createPlaces } from "./places.ts";
import { builtInFamilies, type PortalFamilies } from "./portals/index.ts";
import type { ListingAccess } from "./read-listing.ts";
import { sweep } from "./sweep.ts";

export interface CrawlOptions {
  /** Registry keys; absent: every chain that is not retired. */
  chains?: readonly string[];
  /** Without a day in it: today and yesterday in Israel, at the time of each listing. */
  filter: CrawlFilter;
  /** Ends when every chain was listed once; else lists on every chain's interval until stopped. */
  once: boolean;
  signal?: AbortSignal;
  /** A listing that takes longer is given up, in milliseconds. @default GOGOBE_LISTING_SECONDS */
  listingDeadlineMs?: number;
  /** Told of every listing as it ends: for progress on a terminal. */
  onListed?: (outcome: ListingOutcome) => void;
  /** @default () => new Date() */
  now?: () => Date;
}

export interface CrawlSummary {
  chains: ListingOutcome[];
  filesListed: number;
  filesNew: number;
  published: number;
}

export interface RunningCrawlers extends RunningStage {
  /** Resolves when `once` is done, or after `stop`. Rejects when the database or the bus failed in `once` mode. */
  done: Promise<CrawlSummary>;
}

/** A listing that took longer than this is one of a slow portal, in milliseconds. */
const SLOW_MS = 20_000;

/** Intervals vary by this part either way, so that chains on one host drift apart. */
const JITTER = 0.1;

/** After a failure of our own side (database, bus): the next try, in milliseconds. */
const RETRY_OWN_MS = 30_000;

/**
 * Starts the crawlers: publishes what an earlier run left in the outbox, then lists every chain, each on its own clock, and revives
 * what is stuck.
 * @throws {UsageError} for a chain that is not in the registry or whose portal has no plugin
 */
export function startCrawlers(
  deps: StageDeps & { access: ListingAccess; families?: PortalFamilies },
  options: CrawlOptions,
): RunningCrawlers {
  const chosen = chooseChains(deps.chains, deps.families ?? builtInFamilies(), options.chains);
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  const latest = new Map<string, ListingOutcome>();

  const lister = (troubled: string[]): List => {
    const places = createPlaces(deps.config.crawlConcurrency, troubled);
    return async ({ chain, family }, dueAt) => {
      let startedAt = dueAt;
      const list = () => {
        startedAt = Date.now();
        return listChain(deps, chain, family, {
          filter: options.filter,
          signal,
          deadlineMs: options.listingDeadlineMs ?? deps.config.listingSeconds * 1000,
          now: options.now ?? (() => new Date()),
          lateSeconds: Math.max(0, startedAt - dueAt) / 1000,
        });
      };
      const outcome = await places.run(chain.key, signal, list, ({ state }) => state === "unreachable");
      if (outcome) {
        latest.set(chain.key, outcome);
        options.onListed?.(outcome);
      }
      return startedAt;
    };
  };

  const run = options.once ? runOnce(deps, chosen, lister) : runForEver(deps, chosen, lister, signal);
  const done = run.then(() => summaryOf([...latest.values()]));
  // Whoever waits for `done` sees the error; whoever only stops must not crash of it.
  done.catch(() => undefined);

  return {
    done,
    async stop() {
      stopping.abort();
      await done.catch(() => undefined);
    },
  };
}

/** Lists one chain that was due at a time (epoch, in milliseconds), and says when that began. */
type List = (one: ChosenChain, dueAt: number) => Promise<number>;

async function runOnce(
  deps: CrawlerDeps & StageDeps,
  chosen: readonly ChosenChain[],
  lister: (troubled: string[]) => List,
): Promise<void> {
  await sweepNow(deps);
  const list = lister(await troubledBefore(deps.db));
  const dueAt = Date.now();
  const results = await Promise.allSettled(chosen.map((one) => list(one, dueAt)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function runForEver(
  deps: CrawlerDeps & StageDeps,
  chosen: readonly ChosenChain[],
  lister: (troubled: string[]) => List,
  signal: AbortSignal,
): Promise<void> {
  const troubled = await troubledBefore(deps.db).catch((error: unknown) => {
    deps.log.warn(`what the last listings say cannot be read: ${errorMessage(error)}`);
    return [];
  });
  const list = lister(troubled);
  await Promise.all([sweepForEver(deps, signal), ...chosen.map((one) => listForEver(deps, one, list, signal))]);
}

/** Chains whose last listing, in whatever process, failed or was slow. */
async function troubledBefore(db: CrawlerDeps["db"]): Promise<string[]> {
  const { rows } = await db.query<{ chain: string }>(
    `SELECT chain FROM chain_listings
     WHERE state = 'unreachable' OR finished_at - started_at > make_interval(secs => $1)`,
    [SLOW_MS / 1000],
  );
  return rows.map(({ chain }) => chain);
}

/** One chain on its own clock, measured from start to start. Trouble on our own side is logged and tried again soon. */
async function listForEver(deps: CrawlerDeps, one: ChosenChain, list: List, signal: AbortSignal): Promise<void> {
  const intervalMs = one.chain.intervalSeconds * 1000;
  let startedAt = Date.now();
  let dueAt = startedAt;
  // All chains begin together: the first interval is cut short at random, so that they spread over it.
  let pauseMs = intervalMs * Math.random();
  while (!signal.aborted) {
    try {
      startedAt = await list(one, dueAt);
    } catch (error) {
      deps.log.error({ chain: one.chain.key, err: error }, `listing of ${one.chain.key} could not be recorded`);
      startedAt = Date.now();
      pauseMs = Math.min(pauseMs, RETRY_OWN_MS);
    }
    // A listing that took longer than the interval makes the next one due at its end, not in the past.
    dueAt = Math.max(startedAt + pauseMs, Date.now());
    await pause(dueAt - Date.now(), signal);
    pauseMs = intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
  }
}

async function sweepForEver(deps: CrawlerDeps & StageDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await sweepNow(deps);
    } catch (error) {
      deps.log.error({ err: error }, `the sweep failed: ${errorMessage(error)}`);
    }
    await pause((deps.config.sweepSeconds * 1000) / 4, signal);
  }
}

async function sweepNow(deps: CrawlerDeps & StageDeps): Promise<void> {
  const result = await sweep(deps, { sweepSeconds: deps.config.sweepSeconds });
  const revived = Object.values(result.revived).reduce((sum, count) => sum + count, 0);
  if (result.fromOutbox + revived === 0) return;
  deps.metrics.filesTotal.inc({ stage: "crawlers", outcome: "revived" }, result.fromOutbox + revived);
  deps.log.warn(result, "published again what was left behind");
}

function summaryOf(chains: ListingOutcome[]): CrawlSummary {
  const sum = (count: (outcome: ListingOutcome) => number) => chains.reduce((total, one) => total + count(one), 0);
  return {
    chains,
    filesListed: sum((one) => one.filesListed),
    filesNew: sum((one) => one.filesNew),
    published: sum((one) => one.published),
  };
}
