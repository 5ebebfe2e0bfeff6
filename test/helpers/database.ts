import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError, Pool } from "pg";
import { inject } from "vitest";
import { withDatabase } from "./database-setup.ts";

/** A database of its own for one test (file): the whole schema, no rows. */
export interface TestDatabase {
  pool: Pool;
  /** For programs that the test starts. */
  url: string;
  /** Ends the pool and drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** A fresh copy of the migrated template on the server of this test run. Takes about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = inject("testServer");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = withDatabase(adminUrl, name);
  const pool = new Pool({ connectionString: url, max: 10 });
  // A test may kill connections on purpose, and dropping kills what it left behind.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    pool,
    url,
    drop: async () => {
      // Not awaited: it would wait for ever for a client that a failed test did not give back.
      void pool.end();
      await asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** 55006: another copy of the template is being made, or a worker of the server has not left yet. Both pass. */
async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.query(statement);
        return;
      } catch (error) {
        const busy = error instanceof DatabaseError && error.code === "55006";
        if (!busy || attempt === 100) throw error;
        await sleep(100);
      }
    }
  } finally {
    await client.end();
  }
}
