import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { withRuntime } from "../runtime.ts";

export interface IngestOptions {
  chain?: string;
  here?: boolean;
  json?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("<file...>", "files as the chains publish them, under their published names")
    .option("--chain <key>", "load them as files of this chain; default: the chain whose id is in the name")
    .option("--here", "parse and write in this process, not by the fleet; what happens anyway without Kafka")
    .option("--json", "print a JSON array, one object per file")
    .action(async (paths: string[], options: IngestOptions) => {
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { ingestFiles } = await import("../ingest-files.ts");
        await ingestFiles(runtime, paths, options);
      });
    });
}
