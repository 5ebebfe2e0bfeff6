import pLimit from "p-limit";
import type { Chain } from "../shared/contracts/chain.ts";
import { UsageError } from "../shared/errors.ts";
import { checkOneChain, type CheckReport } from "./check-chain.ts";
import type { CheckCommandFlags } from "./check-options.ts";
import { filterOf } from "./crawl-options.ts";
import { ReportedFailure } from "./failure.ts";
import { checkChains as checkKeys, requireChain } from "./options.ts";
import { counted, printJson } from "./output.ts";
import { printCheck } from "./print-check.ts";
import type { Runtime } from "./runtime.ts";

/** Chains checked at once: their work is mostly waiting. */
const AT_ONCE = 4;

/**
 * Checks the chains that were named, each as it comes, and prints what was found.
 * @throws {UsageError} for an unknown key, or none
 * @throws {ReportedFailure} when anything is wrong with any of them
 */
export async function checkChains(runtime: Runtime, keys: readonly string[], flags: CheckCommandFlags): Promise<void> {
  const filter = filterOf(flags);
  const chains = await chosen(runtime, keys, flags);
  const limit = pLimit(AT_ONCE);
  const reports: CheckReport[] = [];
  const checks = chains.map((chain) =>
    limit(() => checkOneChain(runtime, chain, { live: flags.live ?? false, filter })),
  );
  try {
    for (const check of checks) {
      const report = await check;
      // Broken off by a person: that says nothing of the portal.
      if (runtime.shutdown.signal.aborted) return;
      reports.push(report);
      if (!flags.json) printCheck(report);
    }
  } finally {
    limit.clearQueue();
    await Promise.allSettled(checks);
  }
  if (flags.json) printJson(flags.all || keys.length > 1 ? reports : reports[0]);
  const wrong = reports.filter(({ problems }) => problems.length > 0);
  if (wrong.length === 0) return;
  const named = wrong.map(({ chain }) => chain).join(", ");
  throw new ReportedFailure(`gogobe: ${counted(wrong.length, "chain")} of ${reports.length} need a look: ${named}`);
}

async function chosen(runtime: Runtime, keys: readonly string[], { all, live }: CheckCommandFlags): Promise<Chain[]> {
  const chains = await runtime.chains();
  if (all) {
    if (keys.length > 0) throw new UsageError("--all and keys together: say one or the other");
    return chains.all().filter((chain) => !live || chain.status !== "retired");
  }
  if (keys.length === 0)
    throw new UsageError("say which chain, or --all", { hint: "gogobe chains list shows every key" });
  checkKeys(chains, keys);
  return [...new Set(keys)].map((key) => requireChain(chains, key));
}
