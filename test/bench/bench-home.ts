import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../shared/config.ts";
import type { Database } from "../../shared/database/database.ts";
import { deleteEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";
import { openDatabase } from "../../shared/database/open-database.ts";
import { createLog } from "../../shared/observability/log.ts";
import { MIGRATIONS_DIRECTORY } from "../../writer/migrations.ts";

/** Opens the embedded database of a home with its default settings, migrated; it runs until the caller closes it. */
export function openHome(home: string): Promise<Database> {
  return openDatabase(loadConfig({ GOGOBE_HOME: home }), createLog({ level: "error" }), {
    migrationsDirectory: MIGRATIONS_DIRECTORY,
  });
}

/** Gives the database of a new home to `use`, and deletes the home after it. */
export async function withNewHome<T>(use: (database: Database) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-bench-"));
  try {
    const database = await openHome(home);
    try {
      return await use(database);
    } finally {
      await database.close();
    }
  } finally {
    await deleteEmbeddedPostgres(home);
    await rm(home, { recursive: true, force: true });
  }
}
