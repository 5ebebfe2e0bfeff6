import type { CrawlOptions, RunningCrawlers } from "../crawlers/worker.ts";
import type { RunningStage } from "../shared/stage.ts";
import type { Runtime } from "./runtime.ts";

/** Starts the crawlers; `filter`, `chains` and `once` as the command line gives them. */
export async function startCrawl(runtime: Runtime, options: CrawlOptions): Promise<RunningCrawlers> {
  const { startCrawlers } = await import("../crawlers/worker.ts");
  const deps = await runtime.stageDeps();
  return startCrawlers({ ...deps, access: await runtime.portals(), families: await runtime.families() }, options);
}

export async function startWrite(runtime: Runtime): Promise<RunningStage> {
  const { startWriter } = await import("../writer/worker.ts");
  return startWriter(await runtime.stageDeps());
}
