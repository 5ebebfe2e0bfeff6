import type pg from "pg";
import { errorMessage } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { CircuitChange, CircuitName } from "./circuit-breaker.ts";

/** A host that some process leaves alone, or is about to try again. Hosts whose circuit is closed are not in the table. */
export interface OpenCircuit {
  host: string;
  state: Exclude<CircuitName, "closed">;
  /** From then on the next request is let through; half-open: that time has come. */
  retryAt: Date;
  /** The failure that opened it. */
  error: string;
}

/** Writes changes of circuits into the database, in order, without holding up requests. */
export interface CircuitNotes {
  note(change: CircuitChange): void;
  /** Resolves when everything noted is written. */
  close(): Promise<void>;
}

/**
 * Every process has circuits of its own; what one of them learns is noted here, so that `gogobe chains list` can tell. The newest word
 * stands. A note that cannot be written is a log line: it must never fail a request.
 */
export function createCircuitNotes(db: Pick<pg.Pool, "query">, log: Log): CircuitNotes {
  let writing = Promise.resolve();
  async function writeAfter(previous: Promise<void>, change: CircuitChange): Promise<void> {
    await previous;
    try {
      await write(db, change);
    } catch (error) {
      log.warn({ host: change.host }, `the circuit of ${change.host} could not be noted: ${errorMessage(error)}`);
    }
  }
  return {
    note(change) {
      writing = writeAfter(writing, change);
    },
    close: () => writing,
  };
}

async function write(db: Pick<pg.Pool, "query">, { host, retryAt, error }: CircuitChange): Promise<void> {
  if (retryAt === null) await db.query("DELETE FROM host_circuits WHERE host = $1", [host]);
  else {
    await db.query(
      `INSERT INTO host_circuits (host, retry_at, error) VALUES ($1, $2, $3)
       ON CONFLICT (host) DO UPDATE SET retry_at = EXCLUDED.retry_at, error = EXCLUDED.error, noted_at = now()`,
      [host, retryAt, error ?? ""],
    );
  }
}

/** Every host whose circuit is not closed, over all processes. */
export async function readCircuits(db: Pick<pg.Pool, "query">, now = new Date()): Promise<OpenCircuit[]> {
  const { rows } = await db.query<{ host: string; retry_at: Date; error: string }>(
    "SELECT host, retry_at, error FROM host_circuits ORDER BY host",
  );
  return rows.map(({ host, retry_at: retryAt, error }) => ({
    host,
    state: retryAt > now ? "open" : "half-open",
    retryAt,
    error,
  }));
}
