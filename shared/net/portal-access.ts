import { Gauge } from "prom-client";
import type pg from "pg";
import { CookieJar } from "tough-cookie";
import type { Chain } from "../contracts/chain.ts";
import type { PortalFtp, PortalHttp } from "../contracts/portal-family.ts";
import { PermanentError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { ChainRegistry } from "../stage.ts";
import { type CircuitName, createHostCircuits } from "./circuit-breaker.ts";
import { type FtpAccount, type FtpConnection, isUnknownCommand, type ListCommand, openFtp } from "./ftp-client.ts";
import { createFtpPool } from "./ftp-pool.ts";
import { createHostPolicy, type HostPolicy, hostsOf } from "./host-policy.ts";
import { createCircuitNotes } from "./host-circuits-table.ts";
import { createHostSlots } from "./host-slots.ts";
import { createHttpClient, type HttpAnswer, type HttpClient } from "./http-client.ts";
import { createLocalSlots } from "./local-slots.ts";
import { NET_DEFAULTS, type NetSettings } from "./net-settings.ts";
import { withDeadline } from "./pace.ts";
import { readText } from "./read-text.ts";

/** One chain's door to its portal: for its family (`http`, `ftp`) and for the downloader (`httpFile`, `ftpFile`). */
export interface PortalSession {
  readonly http: PortalHttp;
  readonly ftp: PortalFtp;
  readonly policy: HostPolicy;
  /**
   * Streams a file over HTTP. `consume` is called anew for every try, so it must start over. Never decompresses.
   * @throws {HostNotAllowedError | HostUnreachableError | HostTimeoutError | HostBusyError | PortalStatusError}
   */
  httpFile<T>(url: string, options: FileOptions, consume: (answer: HttpAnswer) => Promise<T>): Promise<T>;
  /** Hands over a logged-in FTP connection and the path of the file; `work` is called anew for every try. */
  ftpFile<T>(
    url: string,
    account: FtpAccount,
    options: FileOptions,
    work: (connection: FtpConnection, path: string) => Promise<T>,
  ): Promise<T>;
  /** Ends this use. Cookies and connections go when nobody uses the chain any more. */
  close(): Promise<void>;
}

export interface FileOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What crawlers and downloader share to reach portals: allow-list, slots, circuits, cookies, proxies. One per process. */
export interface PortalAccess {
  /** All uses of one chain share cookies and connections: the second step of a link works with the cookies of the first. */
  forChain(chain: Chain, signal?: AbortSignal): PortalSession;
  circuits(): { host: string; state: CircuitName }[];
  close(): Promise<void>;
}

export interface PortalAccessDeps {
  /** Where slots are leased and circuits noted for all processes; null for portals that only this process knows. */
  db: Pick<pg.Pool, "query"> | null;
  log: Log;
  metrics: Metrics;
  /** Lets the limit of a host that several chains share be the smallest of theirs. Without it: of the chains used so far. */
  chains?: Pick<ChainRegistry, "all">;
  settings?: Partial<NetSettings>;
}

interface SharedChain {
  http: HttpClient;
  policy: HostPolicy;
  /** MLSD until the server refuses it. */
  listCommand: ListCommand;
  uses: number;
}

export function createPortalAccess(deps: PortalAccessDeps): PortalAccess {
  const settings: NetSettings = { ...NET_DEFAULTS, ...deps.settings };
  const slots = deps.db ? createHostSlots(deps.db, deps.log) : createLocalSlots();
  const notes = deps.db && createCircuitNotes(deps.db, deps.log);
  const circuits = createHostCircuits(settings, notes?.note);
  const ftpPool = createFtpPool();
  const limits = new Map<string, number>();
  const shared = new Map<string, SharedChain>();
  const ended = new AbortController();
  for (const chain of deps.chains?.all() ?? []) noteLimits(chain);
  showCircuits(deps.metrics, circuits.states);

  function noteLimits(chain: Chain): void {
    for (const host of hostsOf(chain)) {
      limits.set(host, Math.min(limits.get(host) ?? Number.POSITIVE_INFINITY, Math.max(1, chain.maxParallel)));
    }
  }

  function limitOf(chain: Chain, host: string): number {
    return limits.get(host.replace(/:\d+$/, "")) ?? chain.maxParallel;
  }

  /** One attempt after another against one host; a slot is held only while an attempt runs. */
  function onHost<T>(
    chain: Chain,
    host: string,
    kind: "listing" | "file",
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = limitOf(chain, host);
    const attempts = kind === "listing" ? settings.listingAttempts : settings.fileAttempts;
    const stage = kind === "listing" ? "crawl" : "download";
    const attempt = async (trySignal: AbortSignal) => {
      const release = await slots.acquire(host, limit, { waitMs: settings.slotWaitMs, signal: trySignal });
      try {
        return await work(trySignal);
      } finally {
        release();
      }
    };
    const onRetry = (delayMs: number) => {
      deps.metrics.retriesTotal.inc({ stage });
      deps.log.info({ chain: chain.key, host, delayMs }, "portal failed, trying again");
    };
    const patience = kind === "file" ? { longestWaitMs: settings.fileWaitMs } : {};
    return circuits.run(host, attempts, attempt, { signal, onRetry, ...patience });
  }

  function share(chain: Chain): SharedChain {
    let entry = shared.get(chain.key);
    if (!entry) {
      const policy = createHostPolicy(chain);
      const http = createHttpClient(chain, policy, new CookieJar(), settings);
      entry = { policy, http, listCommand: "MLSD", uses: 0 };
      shared.set(chain.key, entry);
    }
    entry.uses++;
    return entry;
  }

  function forChain(chain: Chain, chainSignal?: AbortSignal): PortalSession {
    noteLimits(chain);
    const entry = share(chain);
    const { http, policy } = entry;
    let open = true;
    const signalOf = (...signals: (AbortSignal | undefined)[]) =>
      AbortSignal.any([ended.signal, chainSignal, ...signals].filter((signal) => signal !== undefined));

    function httpGet<T>(
      kind: "listing" | "file",
      url: string,
      options: FileOptions,
      consume: (a: HttpAnswer) => Promise<T>,
    ) {
      const signal = signalOf(options.signal);
      const totalTimeoutMs = kind === "listing" ? settings.listingTimeoutMs : settings.fileTimeoutMs;
      const request = { headers: options.headers ?? {}, decompress: kind === "listing", totalTimeoutMs, signal };
      return http.get(url, request, (host, work) => onHost(chain, host, kind, signal, work), consume);
    }

    async function ftpDo<T>(
      kind: "listing" | "file",
      url: string,
      account: FtpAccount,
      options: FileOptions,
      work: (connection: FtpConnection, path: string) => Promise<T>,
    ): Promise<T> {
      if (chain.proxy !== null) {
        throw new PermanentError(`chain ${chain.key}: FTP cannot go through its proxy`, {
          hint: `take "proxy" of ${chain.key} out of the chain registry`,
        });
      }
      const target = policy.assertUrl(url);
      const path = readPath(target);
      const totalTimeoutMs = kind === "listing" ? settings.listingTimeoutMs : settings.fileTimeoutMs;
      const signal = signalOf(options.signal);
      return onHost(chain, target.host, kind, signal, (trySignal) => {
        const { host } = target;
        const place = { name: `${chain.key} ${host} ${account.username}`, host, limit: limitOf(chain, host) };
        const connect = (life: AbortSignal) => openFtp(target, account, policy, settings, life);
        return withDeadline(
          target.host,
          `${kind === "listing" ? "the listing" : "the file"} did not end`,
          totalTimeoutMs,
          trySignal,
          (bounded) => ftpPool.use(place, bounded, connect, (connection) => work(connection, path)),
        );
      });
    }

    return {
      policy,
      http: {
        text: (url, options = {}) =>
          httpGet("listing", url, options.headers ? { headers: options.headers } : {}, (answer) =>
            readText(answer, options.maxBytes ?? settings.listingMaxBytes),
          ),
      },
      ftp: {
        async list(path) {
          const { ftp } = chain;
          if (ftp === null) throw new PermanentError(`chain ${chain.key} has no FTP account in the chain registry`);
          const url = new URL(path, chain.baseUrl.replace(/^ftps?:/, "ftp:")).href;
          const by = (command: ListCommand) => ftpDo("listing", url, ftp, {}, (c, at) => c.list(at, command));
          if (entry.listCommand === "LIST") return by("LIST");
          try {
            return await by("MLSD");
          } catch (error) {
            if (!isUnknownCommand(error)) throw error;
            entry.listCommand = "LIST";
            return by("LIST");
          }
        },
      },
      httpFile: (url, options, consume) => httpGet("file", url, options, consume),
      ftpFile: (url, account, options, work) => ftpDo("file", url, account, options, work),
      async close() {
        if (!open) return;
        open = false;
        entry.uses--;
        if (entry.uses > 0) return;
        shared.delete(chain.key);
        entry.http.close();
      },
    };
  }

  return {
    forChain,
    circuits: circuits.states,
    async close() {
      ended.abort(new Error("the network layer is closed"));
      ftpPool.close();
      for (const { http } of shared.values()) http.close();
      shared.clear();
      await slots.close();
      await notes?.close();
    },
  };
}

function readPath(url: URL): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch (cause) {
    throw new PermanentError(`host ${url.host}: a link has a broken percent sign in its path`, { cause });
  }
}

/** `gogobe_host_circuit_open{host}`: 0 closed, 0.5 half-open, 1 open, read when the metrics are. */
function showCircuits(metrics: Metrics, states: () => { host: string; state: CircuitName }[]): void {
  const name = "gogobe_host_circuit_open";
  metrics.registry.removeSingleMetric(name);
  const value = { closed: 0, "half-open": 0.5, open: 1 };
  const gauge: Gauge<"host"> = new Gauge({
    name,
    help: "Hosts that are left alone after failures: 0 closed, 0.5 half-open, 1 open",
    labelNames: ["host"],
    registers: [metrics.registry],
    collect: () => {
      for (const { host, state } of states()) gauge.set({ host }, value[state]);
    },
  });
}
