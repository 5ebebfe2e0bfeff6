import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { counted, printJson, printLine } from "../output.ts";
import { withRuntime } from "../runtime.ts";

export function configure(command: Command): void {
  command
    .argument("<dir>", "directory for one CSV file per table; made when missing, files of the same names are replaced")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nTwo databases with the same content give the same bytes: no surrogate ids, no load times, sorted rows.",
    )
    .action(async (directory: string, options: { json?: boolean }) => {
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { exportTables } = await import("../../writer/export-tables.ts");
        const { pool } = await runtime.database();
        const written = await exportTables(pool, directory);
        if (options.json) return printJson(written);
        for (const { path, rows } of written) printLine(`${path}: ${counted(rows, "row")}`);
      });
    });
}
