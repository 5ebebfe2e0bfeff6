import type { Command } from "commander";
import { type CrawlFlags, filterOf, withCrawlOptions } from "../crawl-options.ts";
import { runOnce } from "../run-once.ts";
import { runService } from "../service.ts";
import { startCrawl, startDownload, startParse, startWrite } from "../stages.ts";

interface Options extends CrawlFlags {
  once?: boolean;
  json?: boolean;
}

export function configure(command: Command): void {
  withCrawlOptions(command)
    .option("--once", "list every chain once, and end when everything found is loaded, quarantined or failed")
    .option("--json", "with --once: print the result as JSON")
    .action(async (options: Options) => {
      const crawl = { ...(options.chains === undefined ? {} : { chains: options.chains }), filter: filterOf(options) };
      if (options.once) return runOnce(command, crawl, options);
      // Downstream first: what the crawlers find has somebody to take it.
      await runService(command, "run", async (runtime) => ({
        "the writer": await startWrite(runtime),
        "the parser": await startParse(runtime),
        "the downloader": await startDownload(runtime),
        "the crawlers": await startCrawl(runtime, { ...crawl, once: false }),
      }));
    });
}
