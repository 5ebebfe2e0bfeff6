import type { FtpConnection } from "./ftp-client.ts";
import { HostUnreachableError } from "./net-errors.ts";

/** A logged-in connection is kept this long for the next file: a login costs more round trips than a small file. */
const KEEP_MS = 5_000;

/** Control connections that wait for their next use. */
export interface FtpPool {
  /**
   * Runs `work` on a waiting connection of that name, or on one that `connect` opens. The signal ends the work and its connection;
   * `connect` gets the signal of the connection's whole life.
   */
  use<T>(
    name: string,
    signal: AbortSignal,
    connect: (life: AbortSignal) => Promise<FtpConnection>,
    work: (connection: FtpConnection) => Promise<T>,
  ): Promise<T>;
  close(): void;
}

interface Pooled {
  connection: FtpConnection;
  life: AbortController;
}

export function createFtpPool(): FtpPool {
  const waiting = new Map<string, Set<Pooled>>();
  let closed = false;

  function take(name: string): Pooled | undefined {
    const kept = waiting.get(name);
    for (const pooled of kept ?? []) {
      kept?.delete(pooled);
      if (!pooled.connection.closed) return pooled;
    }
    return undefined;
  }

  function keep(name: string, pooled: Pooled): void {
    if (closed || pooled.connection.closed) return pooled.connection.close();
    const kept = waiting.get(name) ?? new Set();
    waiting.set(name, kept.add(pooled));
    setTimeout(() => {
      if (kept.delete(pooled)) pooled.connection.close();
    }, KEEP_MS).unref();
  }

  async function open(signal: AbortSignal, connect: (life: AbortSignal) => Promise<FtpConnection>): Promise<Pooled> {
    const life = new AbortController();
    const connection = await whileSignal(signal, life, () => connect(life.signal));
    return { connection, life };
  }

  async function runOn<T>(name: string, pooled: Pooled, signal: AbortSignal, work: (c: FtpConnection) => Promise<T>) {
    try {
      const result = await whileSignal(signal, pooled.life, () => work(pooled.connection));
      keep(name, pooled);
      return result;
    } catch (error) {
      pooled.connection.close();
      throw error;
    }
  }

  return {
    async use(name, signal, connect, work) {
      const kept = take(name);
      if (kept) {
        try {
          return await runOn(name, kept, signal, work);
        } catch (error) {
          // The server closed it while it waited: a fresh one decides.
          if (!(error instanceof HostUnreachableError) || signal.aborted) throw error;
        }
      }
      return runOn(name, await open(signal, connect), signal, work);
    },
    close() {
      closed = true;
      for (const kept of waiting.values()) for (const { connection } of kept) connection.close();
      waiting.clear();
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
