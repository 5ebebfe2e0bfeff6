import { readdir } from "node:fs/promises";
import type pg from "pg";
import { GogobeError, UsageError, errorMessage } from "../errors.ts";
import type { Log } from "../observability/log.ts";

const TABLE = "gogobe_migrations";

/**
 * Brings the schema up to date with the SQL files of a directory (`NNNN_name.sql`), each in its own transaction. Processes that start together
 * wait for each other; a schema that is up to date costs one query.
 * @returns names of the migrations that were applied now
 * @throws {UsageError} when the schema is newer than this code
 */
export async function migrate(client: pg.ClientBase, directory: string, log: Log): Promise<string[]> {
  const known = await migrationNames(directory);
  if ((await pendingMigrations(client, known)).length === 0) return [];
  const { runner } = await import("node-pg-migrate");
  const tell = ({ message }: { message: string | undefined }) => log.info({ notice: message }, "a migration says");
  client.on("notice", tell);
  try {
    const applied = await runner({
      dbClient: client,
      dir: directory,
      // Files beside the migrations (a README, an editor's backup) are none.
      ignorePattern: "(?!.*\\.sql$).*",
      direction: "up",
      migrationsTable: TABLE,
      singleTransaction: false,
      advisoryLockMode: "wait",
      logger: {
        debug: () => undefined,
        info: (line) => log.debug(line),
        warn: (line) => log.warn(line),
        error: (line) => log.error(line),
      },
    });
    // Another process with newer code may have gone first while we waited.
    await pendingMigrations(client, known);
    for (const { name } of applied) log.info({ migration: name }, "schema migrated");
    return applied.map(({ name }) => name);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new GogobeError(`a migration failed and was rolled back: ${errorMessage(error)}`, {
      cause: error,
      hint: "the database is as it was before that migration; mend the cause and run gogobe migrate again",
    });
  } finally {
    client.off("notice", tell);
  }
}

/** Names of the migrations of a directory, in order, without `.sql`. */
export async function migrationNames(directory: string): Promise<string[]> {
  const files = await readdir(directory);
  return files
    .filter((name) => name.endsWith(".sql"))
    .map((name) => name.slice(0, -".sql".length))
    .sort();
}

/** Migrations that the database lacks. @throws {UsageError} when it has one that the code does not know */
export async function pendingMigrations(client: pg.ClientBase, known: readonly string[]): Promise<string[]> {
  const { rows: tables } = await client.query<{ present: boolean }>("SELECT to_regclass($1) IS NOT NULL AS present", [
    `public.${TABLE}`,
  ]);
  if (!tables[0]?.present) return [...known];
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM public.${TABLE} ORDER BY id`);
  const applied = new Set(rows.map(({ name }) => name));
  const unknown = [...applied].filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `the database has schema ${unknown.at(-1)}, which is newer than this gogobe: use a newer gogobe`,
    );
  }
  return known.filter((name) => !applied.has(name));
}
