import type { CrawlOptions, RunningCrawlers } from "../crawlers/worker.ts";
import type { FileDiscovered } from "../shared/contracts/file-messages.ts";
import type { FetchTarget } from "../shared/contracts/portal-family.ts";
import type { RunningStage } from "../shared/stage.ts";
import type { Runtime } from "./runtime.ts";

/** Starts the crawlers; `filter`, `chains` and `once` as the command line gives them. */
export async function startCrawl(runtime: Runtime, options: CrawlOptions): Promise<RunningCrawlers> {
  const { startCrawlers } = await import("../crawlers/worker.ts");
  const deps = await runtime.stageDeps();
  return startCrawlers({ ...deps, access: await runtime.portals(), families: await runtime.families() }, options);
}

/** The downloader knows no portal family: it is handed the way to turn a discovered file into something that can be fetched now. */
export async function startDownload(runtime: Runtime): Promise<RunningStage> {
  const { startDownloader } = await import("../downloader/worker.ts");
  const deps = await runtime.stageDeps();
  return startDownloader({ ...deps, access: await runtime.portals(), resolveLink: await linkResolver(runtime) });
}

export async function startParse(runtime: Runtime): Promise<RunningStage> {
  const { startParser } = await import("../parser/worker.ts");
  return startParser(await runtime.stageDeps());
}

export async function startWrite(runtime: Runtime): Promise<RunningStage> {
  const { startWriter } = await import("../writer/worker.ts");
  return startWriter(await runtime.stageDeps());
}

async function linkResolver(runtime: Runtime): Promise<(file: FileDiscovered, fresh: boolean) => Promise<FetchTarget>> {
  const { chainOf, familyOf } = await import("../crawlers/choose-chains.ts");
  const [chains, families, portals] = [await runtime.chains(), await runtime.families(), await runtime.portals()];
  const { signal } = runtime.shutdown;
  return async ({ chain: key, fileName, fileType, url }, fresh) => {
    const chain = chainOf(chains, key);
    const { http, ftp, close } = portals.forChain(chain);
    try {
      const context = { chain, http, ftp, signal, now: () => new Date() };
      return await familyOf(chain, families).resolve(context, { fileName, fileType, url, fresh });
    } finally {
      await close();
    }
  };
}

/** Stops a stage once: at the end of the work, or when the process is asked to end, whichever comes first. */
export function stopper(runtime: Runtime, stage: RunningStage): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= stage.stop());
  runtime.shutdown.add("a stage", stop);
  return stop;
}
