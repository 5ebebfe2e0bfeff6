import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import type { Log } from "../observability/log.ts";
import { backoffDelayMs } from "../retry.ts";
import { BUS_SCHEMA, LOCK_OF_INSTANCE } from "./embedded-schema.ts";

/** Channel on which a queue's name is announced when messages were added to it. */
export const CHANNEL = "gogobe_bus";

export interface SessionEvents {
  /** Messages may have arrived in this queue; undefined: in any. */
  arrived(queue: string | undefined): void;
  /** These instances hold messages and may be dead. */
  holders(instances: number[]): Promise<void>;
}

/** How often a living process looks for the messages of dead ones, in milliseconds. */
const LOOK_MS = 700;
const ANSWER_MS = 5_000;
/** After a restart of the server every lock is gone for a moment: the others get this long to take theirs again. */
const RECONNECT_GRACE_MS = 2_000;
const RECONNECT_POLICY = { attempts: Number.POSITIVE_INFINITY, initialDelayMs: 50, maxDelayMs: 1_000 };

/**
 * One connection that shows that this process lives: it holds an advisory lock under the instance's number, which PostgreSQL drops
 * the moment the process dies. It also listens for arrivals. Reconnects by itself, under the same number.
 */
export class EmbeddedSession {
  readonly instance: number;
  readonly #databaseUrl: string;
  readonly #events: SessionEvents;
  readonly #log: Log;
  #client: Client | undefined;
  #ready: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #lookNotBefore = 0;
  #closed = false;

  private constructor(instance: number, databaseUrl: string, events: SessionEvents, log: Log) {
    this.instance = instance;
    this.#databaseUrl = databaseUrl;
    this.#events = events;
    this.#log = log;
    this.#ready = Promise.resolve();
  }

  /** `instance` must never have been used by another process. */
  static async open(instance: number, databaseUrl: string, events: SessionEvents, log: Log): Promise<EmbeddedSession> {
    const session = new EmbeddedSession(instance, databaseUrl, events, log);
    await session.#connect();
    await session.#look();
    session.#schedule();
    return session;
  }

  /** Resolves when the lock is held: nothing may be claimed before. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  /** Looks for messages of dead processes now. */
  async #look(): Promise<void> {
    const client = this.#client;
    if (client === undefined || performance.now() < this.#lookNotBefore) return;
    try {
      const { rows } = await client.query<{ owner: number }>({
        name: "holders",
        text: `SELECT DISTINCT owner FROM ${BUS_SCHEMA}.payloads WHERE owner IS NOT NULL AND owner <> $1`,
        values: [this.instance],
      });
      if (rows.length > 0) await this.#events.holders(rows.map((row) => row.owner));
    } catch (error) {
      this.#log.debug({ err: error }, "could not look for messages of dead processes");
      this.#lost(client);
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#schedule());
    }, LOOK_MS);
  }

  async #connect(): Promise<void> {
    const client = new Client({
      connectionString: this.#databaseUrl,
      application_name: `gogobe bus instance ${this.instance}`,
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
    });
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    client.on("notification", (message) => this.#events.arrived(message.payload));
    try {
      await client.connect();
      await client.query("SELECT pg_advisory_lock($1, $2)", [LOCK_OF_INSTANCE, this.instance]);
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
  }

  #lost(client: Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    client.end().catch(() => undefined);
    this.#log.warn("lost the connection that shows other processes that this one lives: reconnecting");
    this.#ready = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (let failures = 1; !this.#closed; failures += 1) {
      try {
        await this.#connect();
        this.#lookNotBefore = performance.now() + RECONNECT_GRACE_MS;
        this.#log.info("reconnected to the queue");
        this.#events.arrived(undefined);
        return;
      } catch (error) {
        this.#log.debug({ err: error }, "the queue's database is still away");
        await sleep(backoffDelayMs(RECONNECT_POLICY, Math.min(failures, 10)));
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#ready;
    await this.#client?.end();
  }
}
