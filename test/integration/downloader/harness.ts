import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFileCache } from "../../../downloader/cache.ts";
import { downloadFile, type DownloadDeps, type DownloadOutcome } from "../../../downloader/download-file.ts";
import type { ResolveLink } from "../../../downloader/link.ts";
import type { Bus, OutgoingMessage } from "../../../shared/bus/bus.ts";
import { type Config, loadConfig } from "../../../shared/config.ts";
import type { Chain } from "../../../shared/contracts/chain.ts";
import { fileIdOf, fileVersionOf, parseFileName } from "../../../shared/contracts/file-identity.ts";
import { type FileDiscovered, type FileDownloaded, fileDownloaded } from "../../../shared/contracts/file-messages.ts";
import { createPortalAccess, type PortalAccess } from "../../../shared/net/portal-access.ts";
import type { NetSettings } from "../../../shared/net/net-settings.ts";
import { DirectoryStore } from "../../../shared/object-store/directory-store.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";

export const NAME = "PriceFull7290000000015-001-202601020010.gz";

export function sampleChain(baseUrl: string, changes: Partial<Chain> = {}): Chain {
  return {
    key: "sample",
    nameEn: "Sample",
    nameHe: "דוגמה",
    chainIds: ["7290000000015"],
    portal: "sample",
    status: "active",
    baseUrl,
    hosts: [],
    allowPrivateHosts: ["127.0.0.1"],
    maxParallel: 4,
    intervalSeconds: 60,
    proxy: null,
    ftp: null,
    settings: {},
    ...changes,
  };
}

/** A discovered-file message of the sample chain. */
export function discovered(url: string, changes: Partial<FileDiscovered> = {}): FileDiscovered {
  const fileName = changes.fileName ?? NAME;
  const revision = changes.revision ?? 0;
  const parts = parseFileName(NAME);
  const fileId = fileIdOf("sample", fileName, revision);
  return {
    schemaVersion: 1,
    fileId,
    chain: "sample",
    chainId: parts.chainId,
    subChainId: null,
    storeId: parts.storeId,
    portal: "sample",
    fileName,
    fileType: parts.fileType,
    publishedAt: parts.publishedAt,
    version: fileVersionOf({ ...parts, revision, fileId }),
    revision,
    url,
    timestamp: "2026-01-02T00:12:00+02:00",
    ...changes,
  };
}

export interface Harness {
  database: TestDatabase;
  config: Config;
  store: DirectoryStore;
  deps: DownloadDeps;
  access: PortalAccess;
  /** What was published so far, validated. */
  published: FileDownloaded[];
  /** Makes the next publish fail, as if the process had been killed before it. */
  failPublishOnce(): void;
  /** Serves every path by `answer`; the chain's base address is this server. */
  serve(answer: RequestListener): Promise<string>;
  useChain(chain: Chain): void;
  resolveBy(resolve: ResolveLink): void;
  download(file: FileDiscovered): Promise<DownloadOutcome>;
  ledger(fileId: string): Promise<Record<string, unknown> | undefined>;
  stored(key: string): Promise<Buffer | null>;
  /** Ready for the next test. Throws when a download under way was left behind. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Everything real but the bus: database, directory store, network layer with short times. */
export async function createHarness(settings: Partial<NetSettings> = {}, env: Record<string, string> = {}) {
  const home = await mkdtemp(join(tmpdir(), "gogobe-downloader-"));
  const database = await createTestDatabase();
  const config = loadConfig({ GOGOBE_HOME: home, GOGOBE_MIN_FREE_BYTES: "1MB", ...env });
  const store = new DirectoryStore({ directory: join(home, "objects"), bucket: "test", minFreeBytes: 1_000_000 });
  await store.ensureBucket();
  const log = createLog({ level: "silent" });
  const metrics = createMetrics();
  const access = createPortalAccess({
    db: database.pool,
    log,
    metrics,
    settings: { retryInitialMs: 1, retryMaxMs: 50, circuitFailures: 100, ...settings },
  });
  const published: FileDownloaded[] = [];
  let failPublish = false;
  const bus = {
    async publish(_topic: string, messages: OutgoingMessage[]) {
      if (failPublish) {
        failPublish = false;
        throw new Error("killed before publishing");
      }
      published.push(...messages.map(({ value }) => fileDownloaded.parse(value)));
    },
  } as unknown as Bus;
  let chain = sampleChain("http://127.0.0.1/");
  let resolveLink: ResolveLink = async (file) => ({ url: file.url });
  const closers: (() => unknown)[] = [];
  const cache = await openFileCache(config.cacheDir, config.cacheMaxBytes);
  const deps: DownloadDeps = {
    config,
    log,
    metrics,
    bus,
    store,
    db: database.pool,
    chains: {
      all: () => [chain],
      byKey: (key) => (key === chain.key ? chain : undefined),
      byChainId: (id) => (chain.chainIds.includes(id) ? chain : undefined),
    },
    cache,
    resolveLink: (file, fresh) => resolveLink(file, fresh),
    sessionOf: (key) => (key === chain.key ? access.forChain(chain) : null),
  };
  const never = new AbortController().signal;

  const harness: Harness = {
    database,
    config,
    store,
    deps,
    access,
    published,
    failPublishOnce: () => {
      failPublish = true;
    },
    async serve(answer) {
      const server = createServer(answer).listen(0, "127.0.0.1");
      await new Promise((done) => server.once("listening", done));
      closers.push(() => {
        server.closeAllConnections();
        server.close();
      });
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      chain = { ...sampleChain(`${base}/`), key: chain.key };
      return base;
    },
    useChain: (next) => {
      chain = next;
    },
    resolveBy: (resolve) => {
      resolveLink = resolve;
    },
    download: (file) => downloadFile(deps, file, never),
    ledger: async (fileId) => {
      const { rows } = await database.pool.query("SELECT * FROM files WHERE file_id = $1", [fileId]);
      return rows[0];
    },
    stored: async (key) => {
      if ((await store.head(key)) === null) return null;
      return readFile(join(home, "objects", "test", key));
    },
    async reset() {
      for (const close of closers.splice(0)) await close();
      published.length = 0;
      resolveLink = async (file) => ({ url: file.url });
      await database.pool.query("TRUNCATE files, host_slots");
      await rm(join(home, "objects", "test"), { recursive: true, force: true });
      await store.ensureBucket();
      const left = await readdir(join(config.cacheDir, "incoming"));
      if (left.length > 0) throw new Error(`temporary files were left behind: ${left.join(", ")}`);
    },
    async close() {
      await harness.reset();
      await access.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
  return harness;
}
