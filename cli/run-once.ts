import type { Command } from "commander";
import type { CrawlOptions, CrawlSummary } from "../crawlers/worker.ts";
import { contextOf } from "./context.ts";
import { countsSince, countsText, databaseNow, type StatusCounts } from "./ledger-summary.ts";
import { printJson, printLine } from "./output.ts";
import { crawlLines } from "./print-crawl.ts";
import { createProgress } from "./progress.ts";
import { type Runtime, withRuntime } from "./runtime.ts";
import { settle } from "./settle.ts";
import { startCrawl, startDownload, startParse, startWrite, stopper } from "./stages.ts";

export interface RunResult {
  crawl: CrawlSummary;
  /** Files that moved in this run. */
  files: StatusCounts;
}

type CrawlChoice = Pick<CrawlOptions, "chains" | "filter">;

interface RunOptions {
  /** False: the other stages are processes of the fleet. Default: they run here. */
  stages?: boolean;
}

/** `gogobe run --once` and `gogobe crawl --once --wait`: the whole pipeline over what the portals list now. */
export async function runOnce(
  command: Command,
  crawl: CrawlChoice,
  options: RunOptions & { json?: boolean },
): Promise<void> {
  await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
    const result = await runPipelineOnce(runtime, crawl, options);
    if (runtime.shutdown.signal.aborted) return;
    if (options.json) return printJson(result);
    for (const line of crawlLines(result.crawl)) printLine(line);
    printLine(`files: ${countsText(result.files)}`);
    if ((result.files.quarantined ?? 0) + (result.files.failed ?? 0) > 0) {
      printLine("gogobe files list --status quarantined (or failed) tells why");
    }
  });
}

/** Crawls once, waits until everything found has come to its end, and refreshes the views. */
export async function runPipelineOnce(
  runtime: Runtime,
  crawl: CrawlChoice,
  { stages = true }: RunOptions = {},
): Promise<RunResult> {
  const { db } = await runtime.stageDeps();
  const since = await databaseNow(db);
  const progress = createProgress("files");
  runtime.shutdown.add("the progress", () => progress.stop());

  // Downstream first: what the crawlers find has somebody to take it.
  const stops: (() => Promise<void>)[] = [];
  for (const start of stages ? [startWrite, startParse, startDownload] : []) {
    stops.unshift(stopper(runtime, await start(runtime)));
  }
  let listed = 0;
  const crawlers = await startCrawl(runtime, { ...crawl, once: true, onListed: () => listed++ });
  runtime.shutdown.add("the crawlers", () => crawlers.stop());

  const summary = await crawlers.done;
  await settle(runtime, ({ unfinished, waiting }) => {
    const total = Math.max(summary.published, unfinished);
    progress.update(total - unfinished, total, `${waiting} messages waiting`);
  });
  progress.stop();
  for (const stop of stops) await stop();
  const { refreshViews } = await import("../writer/views.ts");
  await refreshViews(db, { force: true });
  return { crawl: summary, files: await countsSince(db, since) };
}
