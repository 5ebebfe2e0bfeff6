import { execFile } from "node:child_process";
import { lstat, mkdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { UsageError } from "../errors.ts";

const run = promisify(execFile);

/** An unprivileged account that runs the server for root; PostgreSQL refuses to run as root. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The account that the server must run as; null: our own. Data that exists decides by its owner, so that installing or
 * removing another PostgreSQL on the machine changes nothing.
 * @param ownerUid owner of an existing data directory
 * @throws {UsageError} when we are root and the machine has no account to give the server to
 */
export async function serverAccount(ownerUid: number | null): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = parsePasswd(await readFile("/etc/passwd", "utf8").catch(() => ""));
  const owner = accounts.find((account) => account.uid === ownerUid && account.uid !== 0);
  if (owner) return owner;
  for (const name of ["postgres", "nobody"]) {
    const account = accounts.find((candidate) => candidate.name === name && candidate.uid !== 0);
    if (account) return account;
  }
  throw new UsageError(`PostgreSQL does not run as root, and this machine has no account "postgres" or "nobody"`, {
    hint: "run gogobe as another user, or set DATABASE_URL to a PostgreSQL server",
  });
}

function parsePasswd(text: string): Account[] {
  const accounts: Account[] = [];
  for (const line of text.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name && uid && gid) accounts.push({ name, uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}

/** Whether the account can get into a directory: every directory above it counts, access lists included, so ask the system. */
export async function canReach(account: Account, directory: string): Promise<boolean> {
  try {
    await run("/bin/sh", ["-c", 'cd -- "$1"', "sh", directory], { uid: account.uid, gid: account.gid, cwd: "/" });
    return true;
  } catch {
    return false;
  }
}

/**
 * The first directory of a list that we can make and the account can reach. One that exists must be ours and closed to
 * writing by others: the last resort lies in the shared temporary directory.
 * @throws {UsageError} naming what it is for
 */
export async function firstUsableDirectory(
  account: Account,
  candidates: readonly string[],
  purpose: string,
): Promise<string> {
  for (const directory of candidates) {
    try {
      await mkdir(directory, { mode: 0o755 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") continue;
    }
    const stat = await lstat(directory);
    const ours = stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
    if (ours && (await canReach(account, directory))) return directory;
  }
  throw new UsageError(
    `no directory for the ${purpose} of the embedded PostgreSQL that account "${account.name}" can reach`,
    {
      hint: `tried ${candidates.join(", ")}; set GOGOBE_HOME to a directory that everybody may enter, or run as another user`,
    },
  );
}
