import pLimit from "p-limit";
import { errorMessage } from "../shared/errors.ts";
import type { RunningStage, StageDeps } from "../shared/stage.ts";
import { type ChosenChain, chooseChains } from "./choose-chains.ts";
import { type CrawlerDeps, listChain, type ListingOutcome } from "./list-chain.ts";
import type { CrawlFilter } from "./listed-file.ts";
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
  /** A listing that takes longer is given up, in milliseconds. @default 900000 */
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

/** A slow portal keeps its place among the chains listed at once for this long; then the next chain may start beside it. */
const PLACE_MS = 20_000;
const LISTING_DEADLINE_MS = 900_000;

/** Intervals vary by this part either way, so that chains on one host drift apart. */
const JITTER = 0.1;

/** Longer timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
  const places = createPlaces(deps.config.crawlConcurrency);
  const latest = new Map<string, ListingOutcome>();

  const listOnce = async ({ chain, family }: ChosenChain): Promise<void> => {
    const outcome = await places.run(signal, () =>
      listChain(deps, chain, family, {
        filter: options.filter,
        signal,
        deadlineMs: options.listingDeadlineMs ?? LISTING_DEADLINE_MS,
        now: options.now ?? (() => new Date()),
      }),
    );
    if (!outcome) return;
    latest.set(chain.key, outcome);
    options.onListed?.(outcome);
  };

  const run = options.once
    ? runOnce(deps, chosen, listOnce)
    : Promise.all([sweepForEver(deps, signal), ...chosen.map((one) => listForEver(deps, one, listOnce, signal))]);
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

async function runOnce(
  deps: CrawlerDeps & StageDeps,
  chosen: readonly ChosenChain[],
  listOnce: (one: ChosenChain) => Promise<void>,
): Promise<void> {
  await sweepNow(deps);
  const results = await Promise.allSettled(chosen.map(listOnce));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/** One chain on its own clock, measured from start to start. Trouble on our own side is logged and tried again soon. */
async function listForEver(
  deps: CrawlerDeps,
  one: ChosenChain,
  listOnce: (one: ChosenChain) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const startedAt = Date.now();
    let pauseMs = one.chain.intervalSeconds * 1000 * (1 - JITTER + 2 * JITTER * Math.random());
    try {
      await listOnce(one);
    } catch (error) {
      deps.log.error({ chain: one.chain.key, err: error }, `listing of ${one.chain.key} could not be recorded`);
      pauseMs = Math.min(pauseMs, RETRY_OWN_MS);
    }
    await pause(Math.max(0, startedAt + pauseMs - Date.now()), signal);
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

/** At most `limit` chains are listed at once, but a slow one gives its place up after a while: it must never hold up the others. */
function createPlaces(limit: number) {
  const places = pLimit(limit);
  return {
    /** Undefined when the signal came before the turn. */
    run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
      return new Promise((resolve, reject) => {
        void places(async () => {
          if (signal.aborted) return resolve(undefined);
          const working = work();
          working.then(resolve, reject);
          const patience = new AbortController();
          await Promise.race([working.catch(() => undefined), pause(PLACE_MS, patience.signal)]);
          patience.abort();
        });
      });
    },
  };
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

/** Resolves early, never rejects, when the signal comes. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(milliseconds, LONGEST_TIMER_MS));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
