import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { parseCount } from "../options.ts";
import { withRuntime } from "../runtime.ts";

export interface InspectOptions {
  rows?: boolean;
  samples: number;
  json?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("<file>", "a local file, or a stored one as s3://bucket/key")
    .option("--rows", "print every row as a JSON line, rejected ones with their reason")
    .option("--samples <count>", "how many rows are shown", parseCount, 5)
    .option("--json", "print a JSON object")
    .action(async (file: string, options: InspectOptions) => {
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { inspect } = await import("../inspect.ts");
        await inspect(runtime, file, options);
      });
    });
}
