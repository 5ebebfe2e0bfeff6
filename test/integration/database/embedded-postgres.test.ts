import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { UsageError } from "../../../shared/errors.ts";
import { canReach } from "../../../shared/database/postgres-account.ts";
import { isAlive } from "../../../shared/database/postgres-system.ts";
import {
  deleteEmbeddedPostgres,
  openEmbeddedPostgres,
  stopEmbeddedPostgres,
} from "../../../shared/database/embedded-postgres.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createTestHome, type TestHome } from "../../helpers/test-home.ts";
import { startUser, type UserProcess } from "./user-process.ts";

const log = createLog({ level: "fatal" });
const ORDINARY_USER = { name: "nobody", uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
/** Another account runs this checkout's own programs only where it may enter the directories above them. */
const isClosed = isRoot && !(await canReach(ORDINARY_USER, import.meta.dirname));
const whyNot = isClosed ? " (skipped: the checkout lies below a directory closed to other accounts)" : "";
const cleanups: (() => Promise<unknown>)[] = [];
/** One home for all tests that leave it as it was: making the data directory takes longest. */
let shared: TestHome;
let home: string;
beforeAll(async () => {
  shared = await createTestHome({ database: true });
  home = shared.path;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await stopEmbeddedPostgres(home, { force: true });
});
afterAll(() => shared.remove());

function user(home: string): UserProcess {
  const process = startUser(home);
  cleanups.push(process.kill);
  return process;
}

async function serverPid(home: string): Promise<number | null> {
  const text = await readFile(join(home, "postgres", "postmaster.pid"), "utf8").catch(() => "");
  return text === "" ? null : Number(text.split("\n")[0]);
}

async function killServer(home: string): Promise<void> {
  const pid = await serverPid(home);
  if (pid === null) throw new Error("no server runs");
  process.kill(pid, "SIGKILL");
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
}

test("data survives a restart; the last user stops the server", async () => {
  const first = user(home);
  expect(await first.line()).toMatch(/^open \d+$/);
  await first.query("CREATE TABLE kept_b AS SELECT 42 AS n");
  expect(await first.close()).toBe("closed");
  expect(await serverPid(home)).toBeNull();
  const second = user(home);
  await second.line();
  expect(await second.query("SELECT n FROM kept_b")).toEqual([[42]]);
  expect(await second.close()).toBe("closed");
  expect(await stopEmbeddedPostgres(home)).toBe("not running");
});

test("processes that start together on a home without data share one server, whichever makes it", async () => {
  const fresh = await createTestHome();
  cleanups.push(fresh.remove);
  const users = [user(fresh.path), user(fresh.path), user(fresh.path)];
  const lines = await Promise.all(users.map((one) => one.line()));
  expect(new Set(lines).size).toBe(1);
  expect(lines[0]).toMatch(/^open \d+$/);
  const [first, second, third] = users as [UserProcess, UserProcess, UserProcess];
  await first.query("CREATE TABLE shared AS SELECT 1 AS n");
  expect(await first.close()).toBe("closed");
  expect(await second.query("SELECT n FROM shared")).toEqual([[1]]);
  expect(await stopEmbeddedPostgres(fresh.path)).toBe("in use");
  expect(await Promise.all([second.close(), third.close()])).toEqual(["closed", "closed"]);
  expect(await serverPid(fresh.path)).toBeNull();
});

test("opening while the last user stops the server waits and starts it again, many times over", async () => {
  for (let round = 0; round < 8; round += 1) {
    const first = await openEmbeddedPostgres(home, log);
    const [, second] = await Promise.all([first.close(), openEmbeddedPostgres(home, log)]);
    await second.close();
  }
  expect(await serverPid(home)).toBeNull();
});

test("after kill -9 of a user the server goes on, and the next user takes it over and stops it", async () => {
  const first = user(home);
  const opened = await first.line();
  await first.query("CREATE TABLE kept_e AS SELECT 1 AS n");
  await first.kill();
  expect(await serverPid(home)).not.toBeNull();
  const second = user(home);
  expect(await second.line()).toBe(opened);
  expect(await second.query("SELECT n FROM kept_e")).toEqual([[1]]);
  expect(await second.close()).toBe("closed");
  expect(await serverPid(home)).toBeNull();
});

test("after kill -9 of the server and its user the next user recovers what was committed", async () => {
  const first = user(home);
  await first.line();
  await first.query("CREATE TABLE kept_f AS SELECT 1 AS n");
  await Promise.all([first.kill(), killServer(home)]);
  const second = user(home);
  expect(await second.line()).toMatch(/^open/);
  expect(await second.query("SELECT n FROM kept_f")).toEqual([[1]]);
  expect(await second.close()).toBe("closed");
});

test("a server that is killed under a running user comes back on the same port", async () => {
  const first = user(home);
  await first.line();
  await first.query("CREATE TABLE kept_g AS SELECT 1 AS n");
  const before = await serverPid(home);
  await killServer(home);
  await vi.waitUntil(async () => ![null, before].includes(await serverPid(home)), { timeout: 20_000 });
  const second = user(home);
  await second.line();
  expect(await first.query("SELECT n FROM kept_g")).toEqual([[1]]);
  expect(await first.close()).toBe("closed");
  expect(await second.query("SELECT n FROM kept_g")).toEqual([[1]]);
  expect(await second.close()).toBe("closed");
  expect(await serverPid(home)).toBeNull();
});

test("the number of a killed server may belong to another program by now", async () => {
  const first = user(home);
  await first.line();
  await Promise.all([first.kill(), killServer(home)]);
  const { uid, gid } = await stat(join(home, "postgres", "postmaster.pid"));
  const other = spawn("sleep", ["600"], { uid, gid });
  cleanups.push(async () => other.kill("SIGKILL"));
  await once(other, "spawn");
  const file = join(home, "postgres", "postmaster.pid");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^\d+/, String(other.pid)));
  const second = user(home);
  expect(await second.line()).toMatch(/^open/);
  expect(await second.close()).toBe("closed");
  expect(isAlive(other.pid ?? 0)).toBe(true);
});

test("stopping by hand asks first, and a server stopped by force stays down until it is opened again", async () => {
  const server = await openEmbeddedPostgres(home, log);
  expect(await stopEmbeddedPostgres(home)).toBe("in use");
  expect(await stopEmbeddedPostgres(home, { force: true })).toBe("stopped");
  expect(await serverPid(home)).toBeNull();
  await server.close();
  expect(await serverPid(home)).toBeNull();
});

test("data of another major version is refused: which versions, which directory, what to do", async () => {
  await writeFile(join(home, "postgres", "PG_VERSION"), "16\n");
  const opening = openEmbeddedPostgres(home, log);
  await expect(opening).rejects.toThrow(UsageError);
  await expect(opening).rejects.toThrow(/made by PostgreSQL 16.*carries PostgreSQL 18/);
  await expect(opening).rejects.toMatchObject({ hint: expect.stringMatching(/pg_dump.*move the directory away/) });
  await writeFile(join(home, "postgres", "PG_VERSION"), "18\n");
});

test("a password file that is gone or of another home is explained", async () => {
  const file = join(home, "postgres.password");
  const password = await readFile(file, "utf8");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writeFile(file, "of-another-home");
  await expect(openEmbeddedPostgres(home, log)).rejects.toThrow(/refuses the password/);
  await rm(file);
  await expect(openEmbeddedPostgres(home, log)).rejects.toThrow(/postgres\.password.*cannot be read/);
  await writeFile(file, password, { mode: 0o600 });
});

test("a home whose postgres directory holds something else is left alone", async () => {
  const other = await mkdtemp(join(tmpdir(), "gogobe-test-home-"));
  cleanups.push(() => rm(other, { recursive: true, force: true }));
  await writeFile(join(other, "postgres"), "notes");
  await expect(openEmbeddedPostgres(other, log)).rejects.toThrow(/not a data directory/);
  expect(await readFile(join(other, "postgres"), "utf8")).toBe("notes");
});

describe.runIf(isRoot)("as root", () => {
  test("a home below a directory closed to others works, and the directory stays closed", async () => {
    const closed = await mkdtemp(join(tmpdir(), "gogobe-closed-"));
    cleanups.push(() => rm(closed, { recursive: true, force: true }));
    await chmod(closed, 0o700);
    const inside = join(closed, "home");
    cleanups.push(() => deleteEmbeddedPostgres(inside));
    const first = user(inside);
    expect(await first.line()).toMatch(/^open/);
    await first.query("CREATE TABLE kept AS SELECT 1 AS n");
    expect(await first.close()).toBe("closed");
    const second = user(inside);
    await second.line();
    expect(await second.query("SELECT n FROM kept")).toEqual([[1]]);
    await second.close();
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
    const data = await stat(join(inside, "postgres"));
    expect(data.uid).not.toBe(0);
    expect(data.mode & 0o777).toBe(0o700);
  });

  test.skipIf(isClosed)(`an ordinary user needs nothing of root's${whyNot}`, async () => {
    const own = await mkdtemp(join(tmpdir(), "gogobe-user-"));
    cleanups.push(() => rm(own, { recursive: true, force: true }));
    const { uid, gid } = ORDINARY_USER;
    const owned = spawn("chown", [`${uid}:${gid}`, own]);
    await once(owned, "exit");
    const one = startUser(own, { uid, gid });
    cleanups.push(one.kill);
    expect(await one.line()).toMatch(/^open/);
    expect((await stat(join(own, "postgres"))).uid).toBe(uid);
    expect(await one.close()).toBe("closed");
    expect(await serverPid(own)).toBeNull();
  });
});
