import { fileDiscovered } from "../shared/contracts/file-messages.ts";
import { GROUPS, TOPICS } from "../shared/contracts/topics.ts";
import { recordStopped } from "../shared/database/ledger.ts";
import { errorMessage, isRetryable } from "../shared/errors.ts";
import type { PortalAccess, PortalSession } from "../shared/net/portal-access.ts";
import { retryPolicyOf } from "../shared/retry.ts";
import type { RunningStage, StageDeps } from "../shared/stage.ts";
import { openFileCache } from "./cache.ts";
import { downloadFile, type DownloadDeps } from "./download-file.ts";
import type { ResolveLink } from "./link.ts";

const STAGE = "download";

/** `resolveLink` comes from the portal families: the composition root hands it over, the stage knows none of them. */
export type DownloaderDeps = StageDeps & { access: PortalAccess; resolveLink: ResolveLink };

/** Takes discovered files off the bus, several at once, and puts their bytes into the store. */
export async function startDownloader(deps: DownloaderDeps): Promise<RunningStage> {
  const { config, metrics } = deps;
  const log = deps.log.child({ stage: STAGE });
  const sessions = sessionsOf(deps);
  const cache = await openFileCache(config.cacheDir, config.cacheMaxBytes);
  const download: DownloadDeps = { ...deps, log, cache, sessionOf: sessions.of };

  async function handle(value: unknown, signal: AbortSignal): Promise<void> {
    const stop = metrics.stageSeconds.startTimer({ stage: STAGE });
    const outcome = await downloadFile(download, value, signal);
    stop();
    metrics.filesTotal.inc({ stage: STAGE, outcome });
    const { fileId, fileName, chain } = fileDiscovered.parse(value);
    log.info({ fileId, chain, fileName, outcome }, "file downloaded");
  }

  const consumer = await deps.bus.consume({
    topic: TOPICS.discovered,
    group: GROUPS.downloader,
    stage: STAGE,
    concurrency: config.downloadConcurrency,
    maxBatch: 1,
    lingerMs: 0,
    retry: retryPolicyOf("downloader", config.retryAttempts),
    async handler(deliveries, signal) {
      for (const { value } of deliveries) await handle(value, signal);
    },
    async onDeadLetter({ value }, error) {
      const status = isRetryable(error) ? "failed" : "quarantined";
      metrics.filesTotal.inc({ stage: STAGE, outcome: status });
      const fileId = fileIdIn(value);
      log.warn({ fileId, status, error: errorMessage(error) }, "file given up");
      if (fileId !== null) await recordStopped(deps.db, fileId, status, errorMessage(error));
    },
  });

  return {
    async stop() {
      await consumer.stop();
      await sessions.close();
    },
  };
}

/** One session per chain for the whole life of the stage: cookies and connections are used again. */
function sessionsOf(deps: Pick<DownloaderDeps, "access" | "chains">) {
  const open = new Map<string, PortalSession>();
  return {
    of(chainKey: string): PortalSession | null {
      const known = open.get(chainKey);
      if (known) return known;
      const chain = deps.chains.byKey(chainKey);
      if (!chain) return null;
      const session = deps.access.forChain(chain);
      open.set(chainKey, session);
      return session;
    },
    async close(): Promise<void> {
      for (const session of open.values()) await session.close();
    },
  };
}

/** The message may be one that does not validate; its file is told of all the same when it names one. */
function fileIdIn(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("fileId" in value)) return null;
  const { fileId } = value;
  const isUuid = typeof fileId === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(fileId);
  return isUuid ? fileId : null;
}
