import { randomUUID } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type ClientBase } from "pg";
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from "vitest";
import { loadConfig } from "../../../shared/config.ts";
import type { Database } from "../../../shared/database/database.ts";
import { migrationNames } from "../../../shared/database/migrate.ts";
import { assertServerVersion, openDatabase } from "../../../shared/database/open-database.ts";
import { RetryableError, UsageError } from "../../../shared/errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { MIGRATIONS_DIRECTORY } from "../../../writer/migrations.ts";
import { withDatabase } from "../../helpers/database-setup.ts";

const { adminUrl } = inject("testServer");
const lines: string[] = [];
const log = createLog({ level: "debug", destination: { write: (line) => void lines.push(line) } });
const admin = new Client({ connectionString: adminUrl });
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(() => admin.connect());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  lines.length = 0;
});
afterAll(() => admin.end());

async function emptyDatabase(owner?: string): Promise<string> {
  const name = `open_${randomUUID().replaceAll("-", "")}`;
  await admin.query(`CREATE DATABASE ${name} ${owner === undefined ? "" : `OWNER ${owner}`}`);
  cleanups.push(() => admin.query(`DROP DATABASE ${name} WITH (FORCE)`));
  return withDatabase(adminUrl, name);
}

async function open(url: string, migrationsDirectory = MIGRATIONS_DIRECTORY): Promise<Database> {
  const database = await openDatabase(loadConfig({ DATABASE_URL: url }), log, { migrationsDirectory });
  cleanups.push(database.close);
  return database;
}

async function copyOfMigrations(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "gogobe-migrations-"));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  for (const name of await readdir(MIGRATIONS_DIRECTORY)) {
    await copyFile(join(MIGRATIONS_DIRECTORY, name), join(directory, name));
  }
  return directory;
}

async function applied(database: Database): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>("SELECT name FROM gogobe_migrations ORDER BY id");
  return rows.map(({ name }) => name);
}

test("processes that open an empty database at once all find it migrated, each migration applied once", async () => {
  const url = await emptyDatabase();
  const databases = await Promise.all(Array.from({ length: 5 }, () => open(url)));
  for (const database of databases) expect(await applied(database)).toEqual(await migrationNames(MIGRATIONS_DIRECTORY));
});

test("a schema newer than the code is refused in one line that says what to do", async () => {
  const url = await emptyDatabase();
  const newer = await copyOfMigrations();
  await writeFile(join(newer, "9000_from_the_future.sql"), "-- Up Migration\nCREATE TABLE future ();\n");
  await open(url, newer);
  const opening = open(url);
  await expect(opening).rejects.toThrow(UsageError);
  await expect(opening).rejects.toThrow(/^[^\n]*9000_from_the_future[^\n]*use a newer gogobe$/);
});

test("a migration that fails leaves the database as it was before it, and may be run again", async () => {
  const url = await emptyDatabase();
  const broken = await copyOfMigrations();
  const file = join(broken, "9000_broken.sql");
  await writeFile(file, "-- Up Migration\nCREATE TABLE half ();\nSELECT 1 / 0;\n");
  await expect(open(url, broken)).rejects.toThrow(/division by zero/);
  await writeFile(file, "-- Up Migration\nCREATE TABLE half ();\n");
  const database = await open(url, broken);
  expect((await applied(database)).at(-1)).toBe("9000_broken");
});

test("a user who may not create roles migrates all the same", async () => {
  const user = `limited_${randomUUID().slice(0, 8)}`;
  await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD 'limited'`);
  cleanups.push(() => admin.query(`DROP ROLE ${user}`));
  const url = new URL(await emptyDatabase(user));
  url.username = user;
  url.password = "limited";
  // The role of the whole server is in the way of the case: under another name nobody has it.
  const directory = await copyOfMigrations();
  const file = join(directory, "0002_reader_role.sql");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll("gogobe_reader", `${user}_reader`));
  const database = await open(url.href, directory);
  expect(await applied(database)).toContain("0002_reader_role");
  expect(lines.join("")).toMatch(/reader was not created: this user may not create roles/);
  const { rows } = await admin.query("SELECT FROM pg_roles WHERE rolname = $1", [`${user}_reader`]);
  expect(rows).toEqual([]);
});

test("gogobe_reader sees every table and view, and changes nothing", async () => {
  const database = await open(await emptyDatabase());
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relname <> 'gogobe_migrations'",
    );
    expect(rows.length).toBeGreaterThan(15);
    await client.query("SET ROLE gogobe_reader");
    for (const { name } of rows) await client.query(`SELECT count(*) FROM ${name}`);
    await expect(client.query("INSERT INTO chains VALUES ('a', 'a', 'a', 'a', 'a')")).rejects.toThrow(/permission/);
    await expect(client.query("CREATE TABLE mine ()")).rejects.toThrow(/permission/);
  } finally {
    client.release(true);
  }
});

test("a server that cannot be reached is named without its password", async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await vi.waitUntil(() => listener.listening);
  const address = listener.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await new Promise((closed) => listener.close(closed));
  const opening = open(`postgresql://someone:secret-word@127.0.0.1:${port}/prices`);
  await expect(opening).rejects.toThrow(RetryableError);
  await expect(opening).rejects.toThrow(`127.0.0.1:${port}/prices cannot be reached`);
  await expect(opening).rejects.not.toThrow(/secret-word/);
});

test("a wrong password and a database that is not there are for a person to mend", async () => {
  const wrong = new URL(adminUrl);
  wrong.password = "secret-word";
  await expect(open(wrong.href)).rejects.toThrow(UsageError);
  await expect(open(wrong.href)).rejects.not.toThrow(/secret-word/);
  await expect(open(withDatabase(adminUrl, "no_such_database"))).rejects.toThrow(/no_such_database/);
});

test("a server older than 15 is refused by name", async () => {
  const old = { query: () => Promise.resolve({ rows: [{ version: "14.12", number: 140_012 }] }) };
  const check = assertServerVersion(old as unknown as ClientBase, "postgresql://u:p@db.example:5433/prices");
  await expect(check).rejects.toThrow("db.example:5433/prices runs PostgreSQL 14.12; gogobe needs 15 or newer");
});

test("an idle connection that breaks is logged and replaced", async () => {
  const database = await open(await emptyDatabase());
  const { rows } = await database.pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await admin.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
  await vi.waitUntil(() => lines.some((line) => line.includes("an idle database connection broke")));
  expect((await database.pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  expect(lines.join("")).not.toContain(new URL(adminUrl).password);
});

test("bigint stays text, so that no digit is lost", async () => {
  const database = await open(await emptyDatabase());
  const { rows } = await database.pool.query("SELECT 9007199254740993::bigint AS big");
  expect(rows).toEqual([{ big: "9007199254740993" }]);
});
