import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { UsageError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { EMBEDDED_USER, findCluster, openCluster, type Cluster } from "./postgres-cluster.ts";
import { ensureServer, findServer, stopServer, wasStopped } from "./postgres-process.ts";

/** Everybody who uses the server holds this advisory lock shared, in the database `postgres`; who stops it takes it alone. */
const USERS_LOCK = 5_031_874_206;
const OPEN_DEADLINE_MS = 120_000;
/** How long connections of our own may take to close. */
const CLOSING_MS = 500;
/** Name of the database inside the embedded server. */
const DATABASE = "gogobe";

/** Our share in the server of a home. */
export interface EmbeddedPostgres {
  /** Of the database `gogobe`, password included. */
  url: string;
  dataDirectory: string;
  /** Gives up our share; the last one stops the server. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Written to postgresql.conf when the data directory is made; for tests, which may do without fsync. */
  settings?: Record<string, string>;
}

/**
 * Opens the embedded PostgreSQL of a home: makes it, starts it, recovers it after a crash, or joins the one that runs.
 * Safe when several processes open and close it at once. A server that crashes while we use it is started again on the same port.
 * @throws {UsageError} data of another major version and other things a person must settle
 */
export async function openEmbeddedPostgres(
  home: string,
  log: Log,
  options: EmbeddedOptions = {},
): Promise<EmbeddedPostgres> {
  const cluster = await openCluster(home, options.settings);
  let share = await takeShare(cluster, log);
  const { port } = share;
  const url = urlOf(cluster, port, DATABASE);
  let closing: Promise<void> | undefined;
  let reviving: Promise<void> = Promise.resolve();

  const watch = () => {
    share.session.once("end", () => {
      if (closing === undefined) reviving = revive();
    });
  };
  const revive = async (): Promise<void> => {
    try {
      // Somebody who stopped it on purpose wants it to stay down.
      if (await wasStopped(cluster)) return;
      log.warn("the embedded PostgreSQL ended unexpectedly: starting it again");
      share = await takeShare(cluster, log);
      if (share.port !== port) log.error("the embedded PostgreSQL had to move to another port: restart gogobe");
      watch();
    } catch (error) {
      log.error({ err: error }, "the embedded PostgreSQL could not be started again");
    }
  };
  const close = async (): Promise<void> => {
    await reviving;
    await leave(cluster, share.session);
  };
  watch();
  return { url, dataDirectory: cluster.dataDirectory, close: () => (closing ??= close()) };
}

interface Share {
  session: Client;
  port: number;
}

async function takeShare(cluster: Cluster, log: Log): Promise<Share> {
  const deadline = Date.now() + OPEN_DEADLINE_MS;
  for (;;) {
    const port = await ensureServer(cluster, log);
    const session = newSession(cluster, port);
    try {
      await session.connect();
      await session.query("SELECT pg_advisory_lock_shared($1)", [USERS_LOCK]);
      await createDatabase(session);
      return { session, port };
    } catch (error) {
      await session.end().catch(() => undefined);
      if (!isServerGoing(error) || Date.now() > deadline) throw explain(error, cluster);
      await sleep(50);
    }
  }
}

/**
 * Gives up the share, then stops the server if nobody else has one and no other program (psql on the address of `gogobe db url`) is
 * connected. Two that leave at once: the later finds itself alone.
 */
async function leave(cluster: Cluster, session: Client): Promise<void> {
  try {
    await session.query("SELECT pg_advisory_unlock_shared($1)", [USERS_LOCK]);
    if ((await isAlone(session)) && !(await isUsedByOthers(session))) await stopServer(cluster);
  } catch (error) {
    // The server crashed or was stopped by hand: there is nothing to give up.
    if (!isServerGoing(error)) throw error;
  } finally {
    await session.end().catch(() => undefined);
  }
}

async function isAlone(session: Client): Promise<boolean> {
  const { rows } = await session.query<{ alone: boolean }>("SELECT pg_try_advisory_lock($1) AS alone", [USERS_LOCK]);
  return rows[0]?.alone === true;
}

/** Other programs are known by their names. Connections of our own that are just closing are waited for: stopping would break them. */
async function isUsedByOthers(session: Client): Promise<boolean> {
  const deadline = Date.now() + CLOSING_MS;
  for (;;) {
    const { rows } = await session.query<{ ours: boolean }>(
      `SELECT application_name LIKE 'gogobe%' AS ours FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    if (rows.some((row) => !row.ours)) return true;
    if (rows.length === 0 || Date.now() > deadline) return false;
    await sleep(10);
  }
}

/**
 * Stops the server of a home, for `gogobe db stop`. One that others use is left alone unless `force` is given; their sessions end then.
 */
export async function stopEmbeddedPostgres(
  home: string,
  options: { force?: boolean } = {},
): Promise<"stopped" | "not running" | "in use"> {
  const cluster = await findCluster(home);
  const server = cluster === null ? null : await findServer(cluster);
  if (cluster === null || server === null) return "not running";
  if (options.force) {
    await stopServer(cluster);
    return "stopped";
  }
  const session = newSession(cluster, server.port);
  try {
    await session.connect();
    if (!(await isAlone(session))) return "in use";
    await stopServer(cluster);
    return "stopped";
  } catch (error) {
    if (isServerGoing(error)) return "not running";
    throw explain(error, cluster);
  } finally {
    await session.end().catch(() => undefined);
  }
}

/** Stops the server of a home and deletes its data, wherever it lies. */
export async function deleteEmbeddedPostgres(home: string): Promise<void> {
  const cluster = await findCluster(home);
  if (cluster === null) return;
  await stopEmbeddedPostgres(home, { force: true });
  await rm(cluster.dataDirectory, { recursive: true, force: true });
  for (const name of ["postgres", "postgres.password", "postgres.log"]) await rm(join(home, name), { force: true });
}

function newSession(cluster: Cluster, port: number): Client {
  const session = new Client({
    connectionString: urlOf(cluster, port, "postgres"),
    application_name: "gogobe session",
    connectionTimeoutMillis: 30_000,
  });
  // Without a listener, a server that dies would end this process; whoever uses the database next sees the error itself.
  session.on("error", () => undefined);
  return session;
}

async function createDatabase(session: Client): Promise<void> {
  const { rowCount } = await session.query("SELECT FROM pg_database WHERE datname = $1", [DATABASE]);
  if (rowCount !== 0) return;
  await session.query(`CREATE DATABASE ${DATABASE}`).catch((error: unknown) => {
    const duplicate = ["42P04", "23505"].includes(codeOf(error));
    if (!duplicate) throw error;
  });
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgresql://${EMBEDDED_USER}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** The server stops, crashed, or is gone: looking again will show. */
function isServerGoing(error: unknown): boolean {
  if (["57P01", "57P02", "57P03", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(codeOf(error))) return true;
  return error instanceof Error && /Connection terminated|not queryable|timeout expired/.test(error.message);
}

function explain(error: unknown, cluster: Cluster): unknown {
  if (codeOf(error) !== "28P01") return error;
  return new UsageError(`the embedded PostgreSQL in ${cluster.dataDirectory} refuses the password in ${cluster.home}`, {
    cause: error,
    hint: "data and postgres.password belong to different homes: put the right file back, or move both away",
  });
}
