import { execFile, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { GogobeError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Cluster } from "./postgres-cluster.ts";
import { isAlive, serverEnvironment } from "./postgres-system.ts";

const run = promisify(execFile);
const POLL_MS = 20;
/** Recovery after a crash replays at most max_wal_size of log; that takes a minute or two on a slow disk. */
const READY_DEADLINE_MS = 300_000;
const STOP_DEADLINE_MS = 120_000;
/** Processes that outlived a killed server keep its memory for a moment, and a port may be taken between choice and use. */
const START_PAUSES_MS = [0, 100, 200, 400, 800, 1600];

interface PidFile {
  pid: number;
  port: number;
  ready: boolean;
}

/** The server that runs on a data directory, or null. PostgreSQL writes pid, port and state to postmaster.pid. */
export async function findServer(cluster: Cluster): Promise<PidFile | null> {
  const file = await readPidFile(cluster.dataDirectory);
  return file !== null && (await isServerOf(file.pid, cluster.dataDirectory)) ? file : null;
}

async function readPidFile(dataDirectory: string): Promise<PidFile | null> {
  const text = await readFile(`${dataDirectory}/postmaster.pid`, "utf8").catch(() => null);
  const lines = text?.split("\n") ?? [];
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0), ready: (lines[7] ?? "").trim() === "ready" };
}

/**
 * Whether a server that ended our session stops or has stopped in order; false when it crashed, or still runs. An orderly stop takes
 * postmaster.pid away; error codes do not tell (a killed server's children report an administrator too).
 */
export async function wasStopped(cluster: Cluster): Promise<boolean> {
  for (;;) {
    const server = await findServer(cluster);
    if (server?.ready) return false;
    if (server === null) return (await readPidFile(cluster.dataDirectory)) === null;
    await sleep(POLL_MS);
  }
}

/** A dead server's number may belong to another program by now: only one started on our directory counts. */
async function isServerOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "win32") return true;
  const command =
    process.platform === "linux"
      ? readFile(`/proc/${pid}/cmdline`, "utf8")
      : run("ps", ["-p", String(pid), "-o", "command="]).then(({ stdout }) => stdout);
  return (await command.catch(() => "")).includes(dataDirectory);
}

/**
 * Makes sure that a server runs on the data directory and accepts connections; resolves with its port on 127.0.0.1.
 * PostgreSQL itself sees to it that only one of several that are started at once comes up; the others use that one.
 * @throws {GogobeError} with the end of the server's log
 */
export async function ensureServer(cluster: Cluster, log: Log): Promise<number> {
  const since = Date.now();
  let child: { running: boolean } | null = null;
  let told = false;
  for (let starts = 0; ; await sleep(POLL_MS)) {
    const server = await findServer(cluster);
    if (server?.ready) return server.port;
    if (server === null && !child?.running) {
      const pause = START_PAUSES_MS[starts];
      if (pause === undefined) throw await startFailure(cluster, "did not start");
      await sleep(pause);
      child = await startServer(cluster, starts);
      starts += 1;
    }
    const waited = Date.now() - since;
    if (waited > READY_DEADLINE_MS) throw await startFailure(cluster, `was not ready after ${waited / 1000} s`);
    if (!told && waited > 2000) {
      told = true;
      log.info({ logFile: cluster.logFile }, "waiting for the embedded PostgreSQL, which is recovering or stopping");
    }
  }
}

async function startFailure(cluster: Cluster, what: string): Promise<GogobeError> {
  const tail = (await readFile(cluster.logFile, "utf8").catch(() => "")).trimEnd().split("\n").slice(-5).join(" | ");
  return new GogobeError(`the embedded PostgreSQL on ${cluster.dataDirectory} ${what}: ${tail}`, {
    hint: `see ${cluster.logFile}`,
  });
}

/** Starts a server that outlives us. `running` turns false when it has ended. */
async function startServer(cluster: Cluster, attempt: number): Promise<{ running: boolean }> {
  const { account, binaries, dataDirectory } = cluster;
  const stale = await readPidFile(dataDirectory);
  // After a crash the old port comes first: processes that still run have it.
  const port = attempt === 0 && stale !== null && stale.port > 0 ? stale.port : await freePort();
  const flags = { listen_addresses: "127.0.0.1", port: String(port), unix_socket_directories: "" };
  const output = await open(cluster.logFile, "a", 0o600);
  try {
    const child = spawn(
      binaries.postgres,
      ["-D", dataDirectory, ...Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      {
        ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
        // PostgreSQL takes a pid file for stale when it names its own grandparent: so a reused number does not stop it,
        // while its check for surviving children of the dead server (shared memory in use) still does.
        env: serverEnvironment(stale === null ? {} : { PG_GRANDPARENT_PID: String(stale.pid) }),
        cwd: dataDirectory,
        detached: true,
        stdio: ["ignore", output.fd, output.fd],
      },
    );
    const state = { running: true };
    child.once("exit", () => (state.running = false));
    await new Promise((started, failed) => child.once("spawn", started).once("error", failed));
    child.unref();
    return state;
  } finally {
    await output.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, failed) => server.once("error", failed).listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new GogobeError("no free port on 127.0.0.1");
  return address.port;
}

/** Stops the server in order: sessions are ended, memory is written out. Resolves when it is gone. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const { account, binaries, dataDirectory } = cluster;
  const server = await findServer(cluster);
  if (server === null) return;
  const identity = account === null ? {} : { uid: account.uid, gid: account.gid };
  const stop = ["stop", "-D", dataDirectory, "-m", "fast", "--no-wait"];
  await run(binaries.pgCtl, stop, { ...identity, cwd: dataDirectory, env: serverEnvironment() }).catch(() => undefined);
  // We wait for this server, not (as pg_ctl would) for a directory without one: another process may start the next at once.
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (await isServerOf(server.pid, dataDirectory)) {
    if (Date.now() > deadline) {
      throw new GogobeError(`the embedded PostgreSQL on ${dataDirectory} (process ${server.pid}) does not stop`, {
        hint: `see ${cluster.logFile}`,
      });
    }
    await sleep(POLL_MS);
  }
}
