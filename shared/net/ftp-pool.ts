import type { FtpConnection } from "./ftp-client.ts";
import { HostUnreachableError } from "./net-errors.ts";

/**
 * A logged-in connection is kept this long for the next file: a login costs more round trips than a small file. No longer than an idle
 * slot of its host is held, so that other processes find the host as free as the slots say.
 */
const KEEP_MS = 1_000;

/** Whose connection it is, and how many its host allows, whoever they belong to. */
export interface FtpPlace {
  /** Connections of one name are alike: same host, same account. */
  name: string;
  host: string;
  limit: number;
}

/** Control connections that wait for their next use. */
export interface FtpPool {
  /**
   * Runs `work` on a waiting connection of that name, or on one that `connect` opens; then waiting ones of other names are closed as
   * far as the host's limit asks for. The signal ends the work and its connection; `connect` gets the signal of the connection's
   * whole life.
   */
  use<T>(
    place: FtpPlace,
    signal: AbortSignal,
    connect: (life: AbortSignal) => Promise<FtpConnection>,
    work: (connection: FtpConnection) => Promise<T>,
  ): Promise<T>;
  close(): void;
}

interface Pooled {
  place: FtpPlace;
  connection: FtpConnection;
  life: AbortController;
}

export function createFtpPool(): FtpPool {
  /** Those that wait, the longest waiting first, each with the timer that ends it. */
  const waiting = new Map<Pooled, NodeJS.Timeout>();
  /** Connections in use or being opened, by host. */
  const busy = new Map<string, number>();
  let closed = false;

  function leaveWaiting(pooled: Pooled): void {
    clearTimeout(waiting.get(pooled));
    waiting.delete(pooled);
  }

  function take({ name }: FtpPlace): Pooled | undefined {
    for (const pooled of waiting.keys()) {
      if (pooled.place.name !== name) continue;
      leaveWaiting(pooled);
      if (!pooled.connection.closed) return pooled;
    }
    return undefined;
  }

  function keep(pooled: Pooled): void {
    if (closed || pooled.connection.closed) return pooled.connection.close();
    waiting.set(pooled, setTimeout(() => drop(pooled), KEEP_MS).unref());
  }

  function drop(pooled: Pooled): void {
    leaveWaiting(pooled);
    pooled.connection.close();
  }

  /** One host serves thirteen chains, each with its own account: what waits for one of them must not stand in the way of another. */
  function makeRoom({ host, limit }: FtpPlace): void {
    const idle = [...waiting.keys()].filter(({ place }) => place.host === host);
    const tooMany = (busy.get(host) ?? 0) + idle.length - limit;
    for (const pooled of idle.slice(0, Math.max(0, tooMany))) drop(pooled);
  }

  async function open(
    place: FtpPlace,
    signal: AbortSignal,
    connect: (life: AbortSignal) => Promise<FtpConnection>,
  ): Promise<Pooled> {
    makeRoom(place);
    const life = new AbortController();
    const connection = await whileSignal(signal, life, () => connect(life.signal));
    return { place, connection, life };
  }

  async function runOn<T>(pooled: Pooled, signal: AbortSignal, work: (c: FtpConnection) => Promise<T>): Promise<T> {
    try {
      const result = await whileSignal(signal, pooled.life, () => work(pooled.connection));
      keep(pooled);
      return result;
    } catch (error) {
      pooled.connection.close();
      throw error;
    }
  }

  async function counted<T>(host: string, work: () => Promise<T>): Promise<T> {
    busy.set(host, (busy.get(host) ?? 0) + 1);
    try {
      return await work();
    } finally {
      busy.set(host, (busy.get(host) ?? 1) - 1);
    }
  }

  return {
    use: (place, signal, connect, work) =>
      counted(place.host, async () => {
        const kept = take(place);
        if (kept) {
          try {
            return await runOn(kept, signal, work);
          } catch (error) {
            // The server closed it while it waited: a fresh one decides.
            if (!(error instanceof HostUnreachableError) || signal.aborted) throw error;
          }
        }
        return runOn(await open(place, signal, connect), signal, work);
      }),
    close() {
      closed = true;
      for (const pooled of waiting.keys()) drop(pooled);
    },
  };
}

/** Ends `life` when the signal fires before the work is done. */
async function whileSignal<T>(signal: AbortSignal, life: AbortController, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const abort = () => life.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
