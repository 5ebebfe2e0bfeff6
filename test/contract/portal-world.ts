import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type pg from "pg";
import { loadChains } from "../../crawlers/chains.ts";
import { type Candidate, type CrawlFilter, identityOf, withDefaultDays } from "../../crawlers/listed-file.ts";
import { judgeListing, type ListingState } from "../../crawlers/listing-health.ts";
import { noCounts, readListing } from "../../crawlers/read-listing.ts";
import { openFileCache } from "../../downloader/cache.ts";
import { downloadFile, type DownloadDeps } from "../../downloader/download-file.ts";
import { loadConfig } from "../../shared/config.ts";
import type { Chain } from "../../shared/contracts/chain.ts";
import { objectKeyOf } from "../../shared/contracts/file-identity.ts";
import type { FileDiscovered } from "../../shared/contracts/file-messages.ts";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import type { NetSettings } from "../../shared/net/net-settings.ts";
import { createPortalAccess } from "../../shared/net/portal-access.ts";
import { DirectoryStore } from "../../shared/object-store/directory-store.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";

/** 14:00 on a Tuesday in Israel: an empty listing has no excuse then. */
export const NOW = new Date("2026-01-13T12:00:00Z");

export interface Listing {
  state: ListingState;
  detail: string | null;
  files: Candidate[];
  names: string[];
  unknownNames: number;
}

export interface DownloadOptions {
  /** In place of the listed one. */
  url?: string;
  signal?: AbortSignal;
  /** Called once, between the first resolving of the link and the fetch. */
  beforeFetch?: () => void;
}

/** One chain over its fake portal, reached by the code that runs in production: registry, network layer, crawler, downloader. */
export interface PortalWorld {
  readonly portal: FakePortal;
  readonly chain: Chain;
  list(filter?: CrawlFilter, signal?: AbortSignal): Promise<Listing>;
  /** The bytes that the downloader stored. */
  download(file: Candidate, options?: DownloadOptions): Promise<Buffer>;
  /** Ends the crawler's and the downloader's side; the portal goes on. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

export interface WorldOptions {
  db: pg.Pool;
  plugin: PortalFamily;
  portal: FakePortal;
  /** Laid over the chain of the fake portal. */
  entry?: Record<string, unknown>;
  net?: Partial<NetSettings>;
  now?: () => Date;
}

/** Patient enough for a busy machine, quick to try again. */
const NET: Partial<NetSettings> = {
  retryInitialMs: 1,
  retryMaxMs: 10,
  listingAttempts: 4,
  fileAttempts: 4,
  circuitFailures: 100,
};

export async function openPortalWorld(options: WorldOptions): Promise<PortalWorld> {
  const { db, plugin, portal, now = () => NOW } = options;
  const home = mkdtempSync(join(tmpdir(), "gogobe-portal-"));
  const [key, entry] = entryOf(portal);
  const chainsFile = join(home, "chains.json");
  writeFileSync(chainsFile, JSON.stringify({ [key]: { ...entry, ...options.entry } }));
  const chains = loadChains({ chainsFile });
  const chain = chains.byKey(key);
  if (!chain) throw new Error(`the fake portal of ${plugin.name} names no chain`);

  const log = createLog({ level: "silent" });
  const metrics = createMetrics();
  const access = createPortalAccess({ db, log, metrics, chains, settings: { ...NET, ...options.net } });
  const session = access.forChain(chain);
  const store = new DirectoryStore({ directory: join(home, "objects"), bucket: "portal", minFreeBytes: 0 });
  await store.ensureBucket();
  const config = loadConfig({ GOGOBE_HOME: home, GOGOBE_MIN_FREE_BYTES: "1MB" });
  const downloads: DownloadDeps = {
    config,
    log,
    metrics,
    db,
    chains,
    store,
    // The downloader publishes what it stored; nobody listens here.
    bus: { publish: async () => undefined } as unknown as DownloadDeps["bus"],
    cache: await openFileCache(join(home, "cache"), 1_000_000_000),
    sessionOf: () => session,
    resolveLink: () => Promise.reject(new Error("set for each download")),
  };

  async function list(asked: CrawlFilter = {}, signal = new AbortController().signal): Promise<Listing> {
    const filter = withDefaultDays(asked, now());
    const { http, ftp, close } = access.forChain(chain as Chain, signal);
    const counts = noCounts();
    const files: Candidate[] = [];
    try {
      const context = { chain: chain as Chain, http, ftp, signal, now };
      for await (const page of readListing(plugin, context, filter, counts)) files.push(...page);
    } finally {
      await close();
    }
    const { state, detail } = judgeListing(chain as Chain, filter, counts, now());
    const names = files.map(({ listed }) => listed.fileName);
    return { state, detail, files, names, unknownNames: counts.unknownNames };
  }

  async function download(file: Candidate, how: DownloadOptions = {}): Promise<Buffer> {
    const { signal = new AbortController().signal } = how;
    const message = messageOf(chain as Chain, file, how.url ?? file.listed.url);
    let { beforeFetch } = how;
    const resolveLink: DownloadDeps["resolveLink"] = async ({ fileName, fileType, url }, fresh) => {
      const context = { chain: chain as Chain, http: session.http, ftp: session.ftp, signal, now };
      const target = await plugin.resolve(context, { fileName, fileType, url, fresh });
      beforeFetch?.();
      beforeFetch = undefined;
      return target;
    };
    await downloadFile({ ...downloads, resolveLink }, message, signal);
    const key = objectKeyOf(message);
    const bytes = await buffer((await store.get(key)).body);
    await store.delete(key);
    return bytes;
  }

  async function leave(): Promise<void> {
    await session.close();
    await access.close();
  }

  return {
    portal,
    chain,
    list,
    download,
    leave,
    async close() {
      await leave();
      await portal.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A chain of the registry keeps all that is its own and is only led here; one that is not there is taken as the fake portal has it. */
function entryOf(portal: FakePortal): [key: string, entry: Record<string, unknown>] {
  const [[key, override] = []] = Object.entries(portal.chainOverrides());
  if (key === undefined || override === undefined)
    throw new Error(`the fake portal of ${portal.family} names no chain`);
  if (!loadChains({ chainsFile: null }).byKey(key)) return [key, { ...override }];
  const { baseUrl, hosts, allowPrivateHosts } = override;
  return [key, { baseUrl, hosts, allowPrivateHosts }];
}

function messageOf(chain: Chain, file: Candidate, url: string): FileDiscovered {
  const { sizeBytes } = file.listed;
  const identity = identityOf(chain, file, 0);
  return { ...identity, url, timestamp: identity.publishedAt, ...(sizeBytes === null ? {} : { sizeBytes }) };
}
