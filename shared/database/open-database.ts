import { Pool, type ClientBase } from "pg";
import type { Config } from "../config.ts";
import { EngineAwayError, UsageError, errorMessage } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Database } from "./database.ts";
import { openEmbeddedPostgres, type EmbeddedOptions } from "./embedded-postgres.ts";
import { migrate } from "./migrate.ts";

const OLDEST_SERVER = 15;
const POOL_SIZE = 10;
/** A process that stands still in the middle of a transaction, or whose machine is gone, keeps its locks from others no longer than this. */
const IDLE_IN_TRANSACTION_MS = 60_000;

export interface OpenDatabaseOptions {
  /** Directory of the SQL migrations. */
  migrationsDirectory: string;
  /** False leaves the schema as it is. */
  migrate?: boolean;
  /** Shown in pg_stat_activity and in the server's log. */
  applicationName?: string;
  embedded?: EmbeddedOptions;
}

/**
 * Opens the database that configuration names: the server of DATABASE_URL, or the embedded one of GOGOBE_HOME. The schema is
 * migrated first, unless told otherwise.
 * @throws {UsageError} a server too old, a schema too new, an embedded data directory that cannot be used
 * @throws {EngineAwayError} a server that cannot be reached
 */
export async function openDatabase(config: Config, log: Log, options: OpenDatabaseOptions): Promise<Database> {
  const embedded = config.databaseUrl === null ? await openEmbeddedPostgres(config.home, log, options.embedded) : null;
  const url = embedded?.url ?? config.databaseUrl ?? "";
  const pool = createPool(url, log, options.applicationName ?? "gogobe");
  const close = closer(pool, embedded);
  try {
    await prepare(pool, url, log, options);
  } catch (error) {
    await close();
    throw error;
  }
  return { pool, url, close };
}

/** A pool of at most 10 connections. An idle connection that breaks is logged; whoever asks next gets a new one. */
export function createPool(url: string, log: Log, applicationName: string): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: applicationName,
    max: POOL_SIZE,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 30_000,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
  });
  // A connection that breaks while it is used fails the query in hand; its event must not end the process besides.
  pool.on("connect", (client) => client.on("error", () => undefined));
  // Only the message: pg hangs the whole client, password included, on the error.
  pool.on("error", (error) => log.warn({ reason: error.message }, "an idle database connection broke"));
  return pool;
}

function closer(pool: Pool, embedded: { close(): Promise<void> } | null): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () =>
    (closing ??= (async () => {
      try {
        await pool.end();
      } finally {
        await embedded?.close();
      }
    })());
}

async function prepare(pool: Pool, url: string, log: Log, options: OpenDatabaseOptions): Promise<void> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw connectError(url, cause);
  });
  try {
    await assertServerVersion(client, url);
    if (options.migrate !== false) await migrate(client, options.migrationsDirectory, log);
  } finally {
    // Migrations change session settings; the pool gets fresh connections.
    client.release(true);
  }
}

/** @throws {UsageError} when the server is older than gogobe supports */
export async function assertServerVersion(client: ClientBase, url: string): Promise<void> {
  const { rows } = await client.query<{ version: string; number: number }>(
    "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number",
  );
  const server = rows[0];
  if (server && server.number >= OLDEST_SERVER * 10_000) return;
  throw new UsageError(
    `${serverName(url)} runs PostgreSQL ${server?.version}; gogobe needs ${OLDEST_SERVER} or newer`,
    {
      hint: "upgrade the server, or unset DATABASE_URL to use the embedded one",
    },
  );
}

function connectError(url: string, cause: unknown): Error {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  // Class 28: wrong user or password; 3D000: no such database. Trying again cannot help.
  if (code.startsWith("28") || code === "3D000") {
    return new UsageError(`${serverName(url)} refuses the connection: ${errorMessage(cause)}`, {
      hint: "check user, password and database name in DATABASE_URL",
    });
  }
  const reason = cause instanceof AggregateError ? cause.errors.map(errorMessage).join("; ") : errorMessage(cause);
  return new EngineAwayError(`PostgreSQL at ${serverName(url)} cannot be reached: ${reason}`, {
    cause,
    hint: "check DATABASE_URL and that the server is running",
  });
}

/** `host:port/database` of a connection URL: nothing secret. */
function serverName(url: string): string {
  if (!URL.canParse(url)) return "the server of DATABASE_URL";
  const { hostname, port, pathname, searchParams } = new URL(url);
  return `${searchParams.get("host") ?? hostname}:${searchParams.get("port") ?? (port || "5432")}${pathname}`;
}
