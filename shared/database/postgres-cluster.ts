import { createHash, randomBytes, randomUUID } from "node:crypto";
import { execFile } from "node:child_process";
import {
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { GogobeError, UsageError } from "../errors.ts";
import { canReach, firstUsableDirectory, serverAccount, type Account } from "./postgres-account.ts";
import { findPostgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { isAlive, serverEnvironment } from "./postgres-system.ts";

const run = promisify(execFile);

/** Owner of the embedded database. */
export const EMBEDDED_USER = "gogobe";

/** A data directory that is complete, with what is needed to run a server on it. */
export interface Cluster {
  home: string;
  /** Real path of the data directory. */
  dataDirectory: string;
  logFile: string;
  password: string;
  account: Account | null;
  binaries: PostgresBinaries;
}

/** Settings a person may change afterwards in postgresql.conf. Loading is bound by WAL and buffers; nothing here trades durability. */
const TUNING: Record<string, string> = {
  shared_buffers: "256MB",
  work_mem: "32MB",
  maintenance_work_mem: "128MB",
  effective_cache_size: "1GB",
  max_wal_size: "2GB",
  min_wal_size: "128MB",
  checkpoint_timeout: "15min",
  max_connections: "60",
  random_page_cost: "1.1",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %a ",
};

/**
 * Finds or creates the data directory of a home. Safe when several processes do it at once: all use the one password, each
 * prepares its own draft and the first rename wins.
 * @param settings written to postgresql.conf of a new directory, over our own
 * @throws {UsageError} data of another major version, or a password file that is gone
 */
export async function openCluster(home: string, settings: Record<string, string> = {}): Promise<Cluster> {
  await mkdir(home, { recursive: true, mode: 0o755 });
  const existing = await findDataDirectory(home);
  const account = await serverAccount(existing?.ownerUid ?? null);
  const binaries = await findPostgresBinaries(account);
  const logFile = join(home, "postgres.log");
  if (existing) {
    await assertSameMajor(home, existing.path, binaries.major);
    await assertReachable(account, existing.path);
    return { home, dataDirectory: existing.path, logFile, password: await readPassword(home), account, binaries };
  }
  const password = await createPassword(home);
  const dataDirectory = await createDataDirectory(home, { account, binaries, password, settings });
  return { home, dataDirectory, logFile, password, account, binaries };
}

/** The cluster of a home, or null when it has none. Creates nothing. */
export async function findCluster(home: string): Promise<Cluster | null> {
  return (await findDataDirectory(home)) === null ? null : await openCluster(home);
}

async function findDataDirectory(home: string): Promise<{ path: string; ownerUid: number } | null> {
  const path = join(home, "postgres");
  const real = await realpath(path).catch(() => null);
  if (real === null) return null;
  const stat = await lstat(join(real, "PG_VERSION")).catch(() => null);
  if (stat === null) {
    throw new UsageError(`${path} is not a data directory of PostgreSQL: it has no PG_VERSION`, {
      hint: `move ${path} away; gogobe will make a new one`,
    });
  }
  return { path: real, ownerUid: stat.uid };
}

async function assertSameMajor(home: string, dataDirectory: string, major: string): Promise<void> {
  const found = (await readFile(join(dataDirectory, "PG_VERSION"), "utf8")).trim();
  if (found === major) return;
  throw new UsageError(
    `${join(home, "postgres")} was made by PostgreSQL ${found}, and this gogobe carries PostgreSQL ${major}, which cannot read it`,
    {
      hint: `dump it with the gogobe that made it (or any PostgreSQL ${found}: pg_ctl -D ${dataDirectory} start, pg_dump), or move the directory away and load the stored files again with gogobe replay`,
    },
  );
}

async function assertReachable(account: Account | null, dataDirectory: string): Promise<void> {
  if (account === null || (await canReach(account, dataDirectory))) return;
  throw new UsageError(
    `account "${account.name}", which runs PostgreSQL for root, can no longer reach ${dataDirectory}`,
    {
      hint: "a directory above it was closed to others: open it again for entering (chmod o+x), or move the data",
    },
  );
}

const passwordFile = (home: string) => join(home, "postgres.password");

async function readPassword(home: string): Promise<string> {
  try {
    return (await readFile(passwordFile(home), "utf8")).trim();
  } catch (cause) {
    throw new UsageError(`${passwordFile(home)}, the password of the embedded PostgreSQL, cannot be read`, {
      cause,
      hint: `put the file back, or move ${join(home, "postgres")} away to start with an empty database`,
    });
  }
}

/** Makes the password of this home, once: a link either appears whole or fails because another process was first. */
async function createPassword(home: string): Promise<string> {
  const draft = `${passwordFile(home)}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  try {
    await link(draft, passwordFile(home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  return await readPassword(home);
}

interface NewCluster {
  account: Account | null;
  binaries: PostgresBinaries;
  password: string;
  settings: Record<string, string>;
}

async function createDataDirectory(home: string, cluster: NewCluster): Promise<string> {
  const path = join(home, "postgres");
  const target = await chooseDataDirectory(home, cluster);
  await initialise(target, cluster);
  if (target !== path) {
    await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  return await realpath(path);
}

/**
 * `<home>/postgres`, or for root, below a home that the server's account cannot enter, a place where it can. The name there
 * follows from the home's path and password: the same for every process of this home, another after the home was deleted.
 */
async function chooseDataDirectory(home: string, { account, password }: NewCluster): Promise<string> {
  if (account === null || (await canReach(account, home))) return join(home, "postgres");
  const parent = await firstUsableDirectory(account, ["/var/lib/gogobe", join(tmpdir(), "gogobe-data")], "data");
  return join(parent, `${shortHash(await realpath(home))}-${shortHash(password)}`);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** Runs initdb in a draft directory and renames it: a directory of that name is complete, whenever we are killed. */
async function initialise(target: string, { account, binaries, password, settings }: NewCluster): Promise<void> {
  await removeDeadDrafts(target);
  const draft = `${target}.new-${process.pid}-${randomUUID().slice(0, 8)}`;
  const secret = `${draft}.password`;
  const identity = account === null ? {} : { uid: account.uid, gid: account.gid };
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(secret, password, { mode: 0o600 });
    if (account !== null) {
      await chown(draft, account.uid, account.gid);
      await chown(secret, account.uid, account.gid);
    }
    await run(
      binaries.initdb,
      [
        `--pgdata=${draft}`,
        `--username=${EMBEDDED_USER}`,
        `--pwfile=${secret}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Sorts by code point and knows the case of every letter, the same on every machine.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        ...Object.entries({ ...TUNING, ...settings }).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
        ...syncFlags(settings),
      ],
      { ...identity, cwd: dirname(draft), env: serverEnvironment() },
    );
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process may have been first: its directory is as good.
    if (await lstat(join(target, "PG_VERSION")).catch(() => null)) return;
    const { stderr } = error as { stderr?: string };
    throw new GogobeError(`initdb could not make ${target}: ${(stderr ?? String(error)).trim()}`, { cause: error });
  } finally {
    await rm(secret, { force: true });
  }
}

/** Best effort: the initdb of a process that was killed may still be writing; the next start takes what is left. */
/** One call for the whole file system instead of one for each of a thousand files: initdb takes about a third less time. */
function syncFlags(settings: Record<string, string>): string[] {
  if (settings["fsync"] === "off") return ["--no-sync"];
  return process.platform === "linux" ? ["--sync-method=syncfs"] : [];
}

async function removeDeadDrafts(target: string): Promise<void> {
  const prefix = `${basename(target)}.new-`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(/^\d+/.exec(name.slice(prefix.length))?.[0]);
    if (isAlive(pid)) continue;
    await rm(join(dirname(target), name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}
