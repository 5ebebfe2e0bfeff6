import { Pool, type PoolClient } from "pg";
import type { Db } from "pg-boss";
import { RetryableError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { backoffDelayMs } from "../retry.ts";
import { setTimeout as sleep } from "node:timers/promises";

/** A transaction, for our statements (`query`) and for pg-boss (`boss`). */
export interface Transaction {
  query: PoolClient["query"];
  boss: Db;
}

const CONNECTIONS = 4;
const OUTAGE_POLICY = { attempts: Number.POSITIVE_INFINITY, initialDelayMs: 50, maxDelayMs: 2_000 };

/**
 * The data path's own connections: a handler that holds the caller's pool can never starve an acknowledgement. Survives a restart
 * of the server: what was under way is repeated.
 */
export class EmbeddedDatabase {
  readonly pool: Pool;
  readonly #log: Log;
  #closed = false;

  constructor(databaseUrl: string, log: Log) {
    this.#log = log;
    this.pool = new Pool({
      connectionString: databaseUrl,
      max: CONNECTIONS,
      application_name: "gogobe bus",
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    // An idle connection that the server drops: the pool replaces it, nothing is lost.
    this.pool.on("error", (error) => this.#log.debug({ err: error }, "the database dropped an idle connection"));
  }

  /** pg-boss outside a transaction. */
  get boss(): Db {
    return { executeSql: async (text, values) => await this.pool.query(text, values) };
  }

  /**
   * Runs `work` in one transaction, again and again while the server cannot be reached, so it must be harmless to repeat: a commit
   * whose answer got lost may have happened.
   * @param patienceMs how long an outage is waited for
   * @throws {RetryableError} when the server stays away, or the bus closes meanwhile
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>, patienceMs = 60_000): Promise<T> {
    const giveUpAt = performance.now() + patienceMs;
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (!isOutage(error)) throw error;
        if (this.#closed || performance.now() > giveUpAt) {
          throw new RetryableError("the queue's database cannot be reached", {
            cause: error,
            hint: "is PostgreSQL running? gogobe doctor checks it",
          });
        }
        if (failures === 1) this.#log.warn({ err: error }, "the queue's database is away: waiting for it");
        await sleep(backoffDelayMs(OUTAGE_POLICY, Math.min(failures, 10)));
      }
    }
  }

  async #attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on("error", onError);
    try {
      await client.query("BEGIN");
      const result = await work({
        query: client.query.bind(client) as PoolClient["query"],
        boss: { executeSql: async (text, values) => await client.query(text, values) },
      });
      await client.query("COMMIT");
      return result;
    } catch (error) {
      if (isOutage(error)) broken = error instanceof Error ? error : new Error(String(error));
      else await client.query("ROLLBACK").catch((rollbackError: Error) => (broken = rollbackError));
      throw error;
    } finally {
      client.removeListener("error", onError);
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.pool.end();
  }
}

/** SQLSTATE classes and socket errors of a server that is gone, going, or not yet up; deadlocks are worth the same repeat. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  if (/^(?:08|57P|53300|40001|40P01)/.test(code)) return true;
  if (/^(?:ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/.test(code)) return true;
  return /Connection terminated|not queryable|timeout exceeded when trying to connect|Client was closed/.test(
    error.message,
  );
}
