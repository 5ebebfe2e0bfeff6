import { readFile } from "node:fs/promises";
import { israelDay } from "../../shared/israel-time.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { FAKE_PORTALS } from "../fake-portals/index.ts";
import { readPeakMemory, startService } from "../helpers/command.ts";
import { createPipeline } from "../helpers/pipeline.ts";

export interface RegistryRun {
  chains: number;
  /** Seconds between two listings of one chain. */
  intervalSeconds: number;
  /** The run ends when every chain was listed so often, or after this long. */
  listings: number;
  atMostSeconds: number;
  databaseUrl?: string;
}

/** One listing, as the crawler logged it. */
export interface LoggedListing {
  chain: string;
  state: string;
  detail: string | null;
  /** When it was due, in milliseconds. */
  dueAt: number;
  seconds: number;
  lateSeconds: number;
}

export interface RegistryResult {
  listings: LoggedListing[];
  /** Of the run, from the first listing to the stop. */
  seconds: number;
  /** Of the crawler process alone. */
  cpuSeconds: number;
  peakMemoryBytes: number;
  /** Most requests under way at one portal at one time. */
  peakParallel: number;
}

const FILES_PER_PORTAL = 20;

/** These are asked by chain id or name, and a fake of theirs knows one chain. */
const OF_ONE_CHAIN = new Set(["bina", "laibcatalog", "matrix"]);

/**
 * One `gogobe crawl` process over a generated registry: every chain with an id of its own, on one of nine fake portals, each of another
 * family. All chains of a family share a host and its limit, as the thirteen of cerberus do.
 */
export async function runRegistry(run: RegistryRun): Promise<RegistryResult> {
  const families = Object.entries(FAKE_PORTALS).filter(([family]) => !OF_ONE_CHAIN.has(family));
  const portals = await Promise.all(families.map(([, start]) => start(files())));
  const registry = registryOver(portals, run);
  const pipeline = await createPipeline({
    embedded: true,
    chains: registry,
    env: run.databaseUrl === undefined ? {} : { DATABASE_URL: run.databaseUrl },
  });
  try {
    await pipeline.must(["migrate"]);
    const service = await startService(["crawl", "--chains", Object.keys(registry).join(",")], pipeline.env);
    const { pid } = service.child;
    if (pid === undefined) throw new Error("the crawler has no process");
    const began = Date.now();
    let listings: LoggedListing[] = [];
    do {
      await new Promise((done) => setTimeout(done, 1_000));
      listings = readListings(service.log());
    } while (Date.now() - began < run.atMostSeconds * 1000 && !isListed(listings, run));
    const seconds = (Date.now() - began) / 1000;
    const cpuSeconds = await readCpuSeconds(pid);
    const peakMemoryBytes = await readPeakMemory(pid);
    await service.stop();
    return {
      listings,
      seconds,
      cpuSeconds,
      peakMemoryBytes,
      peakParallel: Math.max(...portals.map((p) => p.peakParallel())),
    };
  } finally {
    await pipeline.close();
    await Promise.all(portals.map((portal) => portal.close()));
  }
}

/** How often each chain was listed. */
export function listingsPerChain(listings: readonly LoggedListing[]): Map<string, LoggedListing[]> {
  return Map.groupBy(listings, ({ chain }) => chain);
}

/** The listings that were due once every chain had had its first one: before that all are due at once. */
export function afterFirstRound(listings: readonly LoggedListing[]): LoggedListing[] {
  const first = [...listingsPerChain(listings).values()].flatMap((one) => one.slice(0, 1));
  const over = Math.max(...first.map(({ dueAt, lateSeconds }) => dueAt + lateSeconds * 1000));
  return listings.filter(({ dueAt }) => dueAt > over);
}

/** The value below which this share of all values lies; 0 where there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function isListed(listings: LoggedListing[], { chains, listings: wanted }: RegistryRun): boolean {
  const perChain = listingsPerChain(listings);
  return perChain.size === chains && [...perChain.values()].every((one) => one.length >= wanted);
}

function files() {
  const now = new Date();
  const stamp = israelDay(now).replaceAll("-", "");
  return Array.from({ length: FILES_PER_PORTAL }, (_, index) => ({
    name: `PriceFull7290000000015-${String(index + 1).padStart(3, "0")}-${stamp}0010.gz`,
    content: Buffer.alloc(64),
    publishedAt: now,
  }));
}

function registryOver(portals: readonly FakePortal[], { chains, intervalSeconds }: RegistryRun) {
  const entries = portals.map((portal) => Object.values(portal.chainOverrides())[0]);
  return Object.fromEntries(
    Array.from({ length: chains }, (_, index) => {
      const entry = { ...entries[index % entries.length], chainIds: [`72911${String(index).padStart(8, "0")}`] };
      return [`chain-${String(index).padStart(4, "0")}`, { ...entry, nameEn: `Chain ${index}`, intervalSeconds }];
    }),
  );
}

function readListings(log: string): LoggedListing[] {
  return log
    .split("\n")
    .filter((line) => line.includes('"lateSeconds"'))
    .map((line) => {
      const { time, chain, state, detail, seconds, lateSeconds } = JSON.parse(line) as LoggedListing & { time: string };
      const dueAt = new Date(time).getTime() - (seconds + lateSeconds) * 1000;
      return { chain, state, detail, dueAt, seconds, lateSeconds };
    });
}

/** User and system time of a process, from the kernel's clock ticks (100 a second on Linux). */
async function readCpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
