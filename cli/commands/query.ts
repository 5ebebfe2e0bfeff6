import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { formatOf, printRows } from "../output.ts";
import { parseCount } from "../options.ts";
import { withRuntime } from "../runtime.ts";

interface Options {
  json?: boolean;
  csv?: boolean;
  timeout: number;
}

export function configure(command: Command): void {
  command
    .argument("<sql>", "one SELECT, VALUES, TABLE, SHOW or EXPLAIN statement")
    .option("--json", "print a JSON array of rows")
    .option("--csv", "print CSV with a header line")
    .option("--timeout <seconds>", "give up after this long", parseCount, 60)
    .addHelpText("after", `\nExample:\n  gogobe query "SELECT chain, count(*) FROM stores GROUP BY chain"`)
    .action(async (sql: string, options: Options) => {
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { queryReadOnly } = await import("../read-only-query.ts");
        const result = await queryReadOnly((await runtime.database()).pool, sql, { timeoutSeconds: options.timeout });
        printRows(result.rows, formatOf(options), result.columns);
      });
    });
}
