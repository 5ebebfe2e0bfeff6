import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { createLog } from "../../shared/observability/log.ts";
import { migrate } from "../../shared/database/migrate.ts";
import { isAlive } from "../../shared/database/postgres-system.ts";
import { deleteEmbeddedPostgres, openEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";
import { MIGRATIONS_DIRECTORY } from "../../writer/migrations.ts";
import { TEST_POSTGRES_SETTINGS } from "./test-postgres.ts";

/** Where tests find the server, and the migrated database that `createTestDatabase` copies. */
export interface TestServer {
  /** Of the maintenance database `postgres`, as a user who may create databases. */
  adminUrl: string;
  template: string;
}

declare module "vitest" {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

interface SharedServer {
  users: number;
  ready: Promise<TestServer & { stop(): Promise<void> }>;
}

const SHARED = Symbol.for("gogobe.test-server");
const HOME_PREFIX = "gogobe-test-server-";

/** vitest runs this once per project; all projects of a run share one server, and the last one to end stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const holder = globalThis as { [SHARED]?: SharedServer };
  const shared = (holder[SHARED] ??= { users: 0, ready: startTestServer() });
  shared.users += 1;
  const { adminUrl, template, stop } = await shared.ready;
  project.provide("testServer", { adminUrl, template });
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete holder[SHARED];
    await stop();
  };
}

async function startTestServer(): Promise<TestServer & { stop(): Promise<void> }> {
  const given = process.env["GOGOBE_TEST_DATABASE_URL"];
  const template = `gogobe_template_${process.pid}`;
  if (given) {
    const adminUrl = withDatabase(given, "postgres");
    await createTemplate(adminUrl, template);
    return { adminUrl, template, stop: () => asAdmin(adminUrl, (client) => dropTemplate(client, template)) };
  }
  await removeDeadHomes();
  const home = await mkdtemp(join(tmpdir(), `${HOME_PREFIX}${process.pid}-`));
  // As root, the server runs as another account: it must be able to enter.
  await chmod(home, 0o711);
  try {
    const server = await openEmbeddedPostgres(home, createLog({ level: "warn" }), { settings: TEST_POSTGRES_SETTINGS });
    const adminUrl = withDatabase(server.url, "postgres");
    await createTemplate(adminUrl, template);
    return { adminUrl, template, stop: () => removeHome(home) };
  } catch (error) {
    await removeHome(home);
    throw error;
  }
}

async function createTemplate(adminUrl: string, template: string): Promise<void> {
  await asAdmin(adminUrl, async (client) => {
    await dropTemplate(client, template);
    await client.query(`CREATE DATABASE ${template}`);
  });
  const client = new Client({ connectionString: withDatabase(adminUrl, template) });
  await client.connect();
  try {
    await migrate(client, MIGRATIONS_DIRECTORY, createLog({ level: "warn" }));
  } finally {
    await client.end();
  }
  // Nobody may be connected to a database while it is copied.
  await asAdmin(adminUrl, (client) => client.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false`));
}

async function dropTemplate(client: Client, template: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
}

async function asAdmin(adminUrl: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.href;
}

async function removeHome(home: string): Promise<void> {
  await deleteEmbeddedPostgres(home);
  await rm(home, { recursive: true, force: true });
}

/** Servers of runs that were killed before they could stop theirs. */
async function removeDeadHomes(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(/^gogobe-test-server-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await removeHome(join(tmpdir(), name)).catch(() => undefined);
  }
}
