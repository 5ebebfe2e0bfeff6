import { HostTimeoutError } from "./net-errors.ts";
import type { NetSettings } from "./net-settings.ts";

export type PaceLimits = Pick<NetSettings, "idleTimeoutMs" | "leastBytes">;

/** What is watched: a body, or all the sockets of one connection. */
export interface Paced {
  /** Bytes that came so far. */
  received(): number;
  /** The reader is what holds up: bytes are there and wait for it. */
  waitsForReader(): boolean;
}

/**
 * Watches that a host keeps a pace: less than `leastBytes` in `idleTimeoutMs` is silence, or a portal that drips a byte now and then
 * and would hold a place for hours. `tooSlow` is called once; bytes that wait for a slow reader are never the host's fault.
 */
export function watchPace(
  host: string,
  paced: Paced,
  limits: PaceLimits,
  tooSlow: (error: HostTimeoutError) => void,
): { stop(): void } {
  let since = Date.now();
  let base = paced.received();
  const look = () => {
    const came = paced.received() - base;
    // A fresh socket counts from nothing again.
    if (came < 0 || came >= limits.leastBytes || paced.waitsForReader()) {
      since = Date.now();
      base = paced.received();
    } else if (Date.now() - since >= limits.idleTimeoutMs) {
      clearInterval(timer);
      tooSlow(slowError(host, came, limits.idleTimeoutMs));
    }
  };
  const timer = setInterval(look, Math.max(10, Math.min(1_000, limits.idleTimeoutMs / 4)));
  return { stop: () => clearInterval(timer) };
}

function slowError(host: string, bytes: number, ms: number): HostTimeoutError {
  const sent = bytes === 0 ? "sent nothing" : `sent only ${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  return new HostTimeoutError(host, `${sent} for ${ms} ms`);
}

/**
 * Aborts what does not end in time with an error that counts against the host.
 * @param what completes "host x: …", for example `the listing did not end`
 */
export async function withDeadline<T>(
  host: string,
  what: string,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new HostTimeoutError(host, `${what} within ${ms} ms`)), ms);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
