import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChainCheck, checkChain } from "../crawlers/check.ts";
import { familyOf } from "../crawlers/choose-chains.ts";
import type { CrawlFilter } from "../crawlers/listed-file.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { RetryableError } from "../shared/errors.ts";
import { createPortalAccess, type PortalAccess } from "../shared/net/portal-access.ts";
import { checkFile, type FileCheck } from "./check-files.ts";
import { startPortalInPlace } from "./fake-portal-of.ts";
import type { Runtime } from "./runtime.ts";

/** What `gogobe chains check` tells of one chain. */
export interface CheckReport extends Omit<ChainCheck, "samples"> {
  /** The real portal was asked; else the fake one of its family, on this machine. */
  live: boolean;
  /** The newest file of each type. */
  files: FileCheck[];
  /** What is wrong, a sentence each; empty when all is well. */
  problems: string[];
  /** What a person should know, and what stops nothing. */
  notes: string[];
}

export interface CheckFlags {
  live?: boolean;
  filter: CrawlFilter;
}

/** A person waits for the answer; a portal of hundreds of pages takes its time. */
const DEADLINE_SECONDS = 300;

/** Nobody needs to be patient with a portal on this machine. */
const LOCAL_SETTINGS = { retryInitialMs: 20, retryMaxMs: 100 };

/**
 * Lists a chain's portal as the crawler would, downloads the newest file of each type and parses it; records, loads and publishes
 * nothing. Without `live` the portal is the fake one of its family: that tells whether entry, plugin and parser fit together.
 * @throws {UsageError} for a portal without a plugin, or without a fake to check against
 */
export async function checkOneChain(
  runtime: Runtime,
  chain: Chain,
  { live = false, filter }: CheckFlags,
): Promise<CheckReport> {
  if (live) return checkAt(runtime, await runtime.portals(), chain, { live, filter });
  const { log, metrics } = runtime;
  const inPlace = await startPortalInPlace(chain, await runtime.chains());
  const access = createPortalAccess({ db: null, log, metrics, settings: LOCAL_SETTINGS });
  try {
    return await checkAt(runtime, access, inPlace.chain, { live, filter });
  } finally {
    await access.close();
    await inPlace.close();
  }
}

async function checkAt(
  runtime: Runtime,
  access: PortalAccess,
  chain: Chain,
  { live, filter }: { live: boolean; filter: CrawlFilter },
): Promise<CheckReport> {
  const startedAt = Date.now();
  const family = familyOf(chain, await runtime.families());
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(tooSlow()), DEADLINE_SECONDS * 1000);
  const signal = AbortSignal.any([runtime.shutdown.signal, deadline.signal]);
  const session = access.forChain(chain, signal);
  const directory = await mkdtemp(join(tmpdir(), "gogobe-check-"));
  try {
    const { samples, ...listing } = await checkChain({ access }, chain, family, { signal, filter });
    const deps = { chain, family, session, config: runtime.config, directory, signal };
    const files = await Promise.all(samples.map((sample) => checkFile(deps, sample)));
    const seconds = (Date.now() - startedAt) / 1000;
    return { ...listing, seconds, live, files, problems: problemsOf(listing, files), notes: notesOf(listing, files) };
  } finally {
    clearTimeout(timer);
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function tooSlow(): RetryableError {
  return new RetryableError(`the check was not finished after ${DEADLINE_SECONDS} s and was given up`, {
    hint: "--types, --stores or --since make it shorter",
  });
}

type Listing = Omit<ChainCheck, "samples">;

function problemsOf({ state, detail, foreignChainIds }: Listing, files: readonly FileCheck[]): string[] {
  const listed = state === "found" || state === "empty-plausible";
  return [
    ...(listed ? [] : [`listing: ${state}${detail === null ? "" : `: ${detail}`}`]),
    ...(foreignChainIds.length === 0
      ? []
      : [`its files carry chain ids that the registry entry does not name: ${foreignChainIds.join(", ")}`]),
    ...files.flatMap(({ type, file, problem }) => (problem === null ? [] : [`${type} ${file}: ${problem}`])),
  ];
}

function notesOf({ state, detail, unknownNames, unknownSamples }: Listing, files: readonly FileCheck[]): string[] {
  const tags = files.flatMap(({ type, unknownTags }) => Object.keys(unknownTags).map((tag) => `${tag} (${type})`));
  return [
    ...(state === "empty-plausible" && detail !== null ? [detail] : []),
    ...(unknownNames === 0
      ? []
      : [`${unknownNames} names not understood, for example ${unknownSamples.slice(0, 3).join(", ")}`]),
    ...(tags.length === 0 ? [] : [`tags that no dialect knows: ${tags.join(", ")}`]),
  ];
}
