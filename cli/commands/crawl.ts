import type { Command } from "commander";
import { UsageError } from "../../shared/errors.ts";
import { contextOf } from "../context.ts";
import { type CrawlFlags, filterOf, withCrawlOptions } from "../crawl-options.ts";
import { printCrawl } from "../print-crawl.ts";
import { runOnce } from "../run-once.ts";
import { withRuntime } from "../runtime.ts";
import { runService } from "../service.ts";
import { startCrawl } from "../stages.ts";

interface Options extends CrawlFlags {
  once?: boolean;
  wait?: boolean;
  json?: boolean;
}

export function configure(command: Command): void {
  withCrawlOptions(command)
    .option("--once", "list every chain once, publish what is new, and end")
    .option("--wait", "with --once: end when the fleet has loaded, quarantined or failed everything found")
    .option("--json", "with --once: print the result as JSON")
    .action(async (options: Options) => {
      if (options.wait && !options.once) {
        throw new UsageError("--wait goes with --once: without it the crawlers run until they are stopped");
      }
      const crawl = { ...chainsOf(options), filter: filterOf(options) };
      if (!options.once) {
        return runService(command, "crawl", async (runtime) => ({
          "the crawlers": await startCrawl(runtime, { ...crawl, once: false }),
        }));
      }
      if (options.wait) return runOnce(command, crawl, { ...options, stages: false });
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const crawlers = await startCrawl(runtime, { ...crawl, once: true });
        runtime.shutdown.add("the crawlers", () => crawlers.stop());
        printCrawl(await crawlers.done, options);
      });
    });
}

function chainsOf({ chains }: CrawlFlags): { chains?: string[] } {
  return chains === undefined ? {} : { chains };
}
