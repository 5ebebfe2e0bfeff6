import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { parseCount } from "../options.ts";
import { printJson, printLine } from "../output.ts";
import { withRuntime } from "../runtime.ts";
import { selectionOf, type StoredFlags, withStoredOptions } from "../stored-options.ts";

interface Options extends StoredFlags {
  parallel: number;
  json?: boolean;
}

export function configure(command: Command): void {
  withStoredOptions(command)
    .option("--parallel <stores>", "stores loaded at once", parseCount, 2)
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      "\nReads the object store alone, so it works when the ledger is gone. Goes on where it was broken off when it is run again.",
    )
    .action(async (options: Options) => {
      const selection = selectionOf(options);
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { backfill } = await import("../backfill.ts");
        const result = await backfill(runtime, selection, options);
        if (runtime.shutdown.signal.aborted) return;
        if (options.json) return printJson(result);
        const { loaded, quarantined, failed, before } = result;
        printLine(`${loaded} loaded, ${quarantined} quarantined, ${failed} failed, ${before} were loaded before`);
      });
    });
}
