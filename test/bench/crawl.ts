import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { afterFirstRound, listingsPerChain, quantile, type RegistryResult, runRegistry } from "./crawl-registry.ts";

const USAGE = `node test/bench/crawl.ts [--chains 1000] [--interval 60] [--rounds 3] [--at-most 300]
  one crawler process over a generated registry: how late listings start, and what that costs
`;

const { values: flags } = parseArgs({
  options: {
    chains: { type: "string", default: "1000" },
    interval: { type: "string", default: "60" },
    rounds: { type: "string", default: "3" },
    "at-most": { type: "string", default: "300" },
    help: { type: "boolean", short: "h" },
  },
});
if (flags.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const run = {
    chains: Number(flags.chains),
    intervalSeconds: Number(flags.interval),
    listings: Number(flags.rounds),
    atMostSeconds: Number(flags["at-most"]),
  };
  const result = await runRegistry(run);
  process.stdout.write(
    `${run.chains} chains every ${run.intervalSeconds} s, load ${loadBefore.toFixed(1)} before\n${reportOf(result)}\n`,
  );
}

/** The figures of a run as text: the first round, when all chains are due at once, apart from those that follow. */
function reportOf(result: RegistryResult): string {
  const perChain = [...listingsPerChain(result.listings).values()];
  const first = perChain.flatMap((listings) => listings.slice(0, 1));
  const later = afterFirstRound(result.listings);
  const late = (listings: typeof first) => listings.map(({ lateSeconds }) => lateSeconds);
  const line = (values: number[]) =>
    `p50 ${quantile(values, 0.5).toFixed(2)} s, p99 ${quantile(values, 0.99).toFixed(2)} s, max ${Math.max(0, ...values).toFixed(2)} s`;
  const fewest = Math.min(...perChain.map((listings) => listings.length));
  return [
    `listings: ${result.listings.length} of ${perChain.length} chains in ${result.seconds.toFixed(0)} s, at least ${fewest} each, ` +
      `${result.listings.filter(({ state }) => state !== "found").length} not found`,
    `late in the first round, all due at once: ${line(late(first))}`,
    `late afterwards (${later.length}): ${line(late(later))}`,
    `one listing takes: ${line(result.listings.map(({ seconds }) => seconds))}`,
    `crawler process: ${(result.cpuSeconds / result.seconds).toFixed(2)} of a core, ` +
      `${((result.cpuSeconds / result.listings.length) * 1000).toFixed(1)} ms CPU a listing, ` +
      `${Math.round(result.peakMemoryBytes / 1e6)} MB at the most`,
    `most requests at one portal at one time: ${result.peakParallel}`,
  ].join("\n");
}
