import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { printLine } from "../output.ts";
import { withRuntime } from "../runtime.ts";

export function configure(command: Command): void {
  command.action(async () => {
    await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
      // Opening a database migrates it: every command may be the first on a new schema.
      await runtime.database();
      const { migrationNames } = await import("../../shared/database/migrate.ts");
      const { MIGRATIONS_DIRECTORY } = await import("../../writer/migrations.ts");
      const names = await migrationNames(MIGRATIONS_DIRECTORY);
      printLine(`the schema is up to date: ${names.at(-1) ?? "no migrations"}`);
    });
  });
}
