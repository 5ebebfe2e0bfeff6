import { setTimeout as sleep } from "node:timers/promises";
import type { PortalFile } from "../fixtures/portal-file.ts";

/** The chain that a fake portal stands for. */
export interface PortalChain {
  /** Registry key: of a real chain, to point its crawler here, or a new one. */
  key: string;
  nameEn: string;
  nameHe: string;
  chainIds: readonly string[];
}

/** A registry entry for `GOGOBE_CHAINS_FILE`. */
export interface ChainOverride {
  nameEn: string;
  nameHe: string;
  chainIds: readonly string[];
  portal: string;
  status: "active";
  baseUrl: string;
  hosts: readonly string[];
  allowPrivateHosts: readonly string[];
  ftp?: { username: string; password: string; path: string; rejectUnauthorized: boolean };
  settings?: Record<string, unknown>;
}

/** One request, or one FTP command, in the order of arrival. */
export interface LoggedRequest {
  at: number;
  /** HTTP: method, path and query, host. FTP: directive and argument (never a password), account. */
  method: string;
  path: string;
  host: string;
  /** HTTP status or FTP code, once answered. */
  status: number | null;
}

/** A running server that behaves like one portal. */
export interface FakePortal {
  readonly family: string;
  /** Base address, for example `http://127.0.0.1:40123/`. */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Entries that point the real crawler at this server: merge them over the registry. */
  chainOverrides(): Record<string, ChainOverride>;
  /** Names of the files that were served whole, once per time. */
  served(): readonly string[];
  /** Most requests (FTP: transfers and listings) that were under way at one time. */
  peakParallel(): number;
  /** How many are under way now, those included that are never answered. */
  underWay(): number;
  /** Connections that clients hold open now, idle ones included (FTP: control connections), and the most there ever were. */
  openConnections(): number;
  peakConnections(): number;
  /** Replaces what the portal publishes. */
  setFiles(files: readonly PortalFile[]): void;
  /** Adds trouble; it is met by the next matching requests. */
  addFault(fault: PortalFault): void;
  clearFaults(): void;
  /** Every download link given out so far is refused from now on; only where links expire. */
  expireLinks?(): void;
  /** Refuses connections on the same port until `comeBack`. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Trouble that any portal can have. `on` picks the requests by path (FTP: file name, or MLSD, LIST, NLST), `after` lets so many of them
 * pass first, `times` is how many are hit; default all.
 */
export type PortalFault = { on?: RegExp; after?: number; times?: number } & (
  | { kind: "status"; status: number; retryAfterSeconds?: number; body?: string }
  /** Announces the whole length, sends this many bytes, then breaks the connection. */
  | { kind: "truncate"; afterBytes: number }
  /** Sends only this many bytes and calls that complete, whatever the listing said. */
  | { kind: "short"; bytes: number }
  | { kind: "redirect"; to: string }
  /** A body in chunks of this size with a pause before each. */
  | { kind: "slow"; msPerChunk: number; chunkBytes: number }
  /** Answers wait until so many requests are under way at one time, but no longer than this. */
  | { kind: "gather"; requests: number; atMostMs: number }
  /** The answer with its text changed: a new layout. */
  | { kind: "rewrite"; change: (body: string) => string }
  /** An HTML page of this size (default 500 MB) in place of the answer. */
  | { kind: "huge-html"; bytes?: number }
  /** Another body with status 200 in place of the answer. */
  | { kind: "body"; body: string; contentType?: string }
  /** Accepts the request and never answers. */
  | { kind: "hang" }
  /** Breaks the connection without an answer. */
  | { kind: "drop" }
);

/** The faults of one portal: finds the one that a request meets, and counts it. */
export function faultList() {
  let faults: PortalFault[] = [];
  return {
    add: (fault: PortalFault) => void faults.push({ ...fault }),
    clear: () => {
      faults = [];
    },
    take(path: string): PortalFault | null {
      for (const fault of faults) {
        if (fault.times === 0 || !(fault.on?.test(path) ?? true)) continue;
        if (fault.after !== undefined && fault.after > 0) {
          fault.after -= 1;
          continue;
        }
        if (fault.times !== undefined) fault.times -= 1;
        return fault;
      }
      return null;
    },
  };
}
export type FaultList = ReturnType<typeof faultList>;

/** Counts what is under way at one time. */
export function parallelGauge() {
  let current = 0;
  let peak = 0;
  return {
    peak: () => peak,
    now: () => current,
    /** Call the result once when it is over. */
    enter() {
      current += 1;
      peak = Math.max(peak, current);
      let left = false;
      return () => {
        if (!left) current -= 1;
        left = true;
      };
    },
  };
}

const GATHER_POLL_MS = 5;

/** Waits for company. */
export async function gather(gauge: { now(): number }, { requests, atMostMs }: { requests: number; atMostMs: number }) {
  for (let waited = 0; waited < atMostMs && gauge.now() < requests; waited += GATHER_POLL_MS)
    await sleep(GATHER_POLL_MS);
}

export const LOOPBACK = "127.0.0.1";

export function overrideFor(
  chain: PortalChain,
  portal: string,
  baseUrl: string,
  more: Pick<ChainOverride, "ftp" | "settings"> = {},
): ChainOverride {
  const { nameEn, nameHe, chainIds } = chain;
  const hosts = [LOOPBACK];
  return { nameEn, nameHe, chainIds, portal, status: "active", baseUrl, hosts, allowPrivateHosts: hosts, ...more };
}
