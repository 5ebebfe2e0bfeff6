import type { CrawlSummary } from "../crawlers/worker.ts";
import { ReportedFailure } from "./failure.ts";
import { counted, printJson, printLine } from "./output.ts";

/** @throws {ReportedFailure} when not one portal could be listed */
export function printCrawl(summary: CrawlSummary, options: { json?: boolean }): void {
  if (options.json) printJson(summary);
  else for (const line of crawlLines(summary)) printLine(line);
  if (summary.chains.length > 0 && summary.chains.every((chain) => isTrouble(chain.state))) {
    throw new ReportedFailure("gogobe: no portal could be listed");
  }
}

/** How the listings went: one line in all, and one for each that a person should look at. */
export function crawlLines(summary: CrawlSummary): string[] {
  const trouble = summary.chains.filter((chain) => isTrouble(chain.state));
  return [
    `${counted(summary.chains.length, "chain")} listed: ${counted(summary.filesListed, "file")}, ${counted(summary.filesNew, "new one")}`,
    ...trouble.map((chain) => `  ${chain.chain}: ${chain.state}${chain.detail === null ? "" : `: ${chain.detail}`}`),
  ];
}

/** A state of a listing that a person should look at. */
export function isTrouble(state: string): boolean {
  return state === "unreachable" || state === "layout-not-recognised" || state === "empty-suspicious";
}
