import type { Command } from "commander";
import { UsageError } from "../../shared/errors.ts";
import { contextOf } from "../context.ts";
import { counted, printJson, printLine } from "../output.ts";
import { withRuntime } from "../runtime.ts";
import { selectionOf, type StoredFlags, withStoredOptions } from "../stored-options.ts";

interface Options extends StoredFlags {
  all?: boolean;
  here?: boolean;
  wait?: boolean;
  json?: boolean;
}

export function configure(command: Command): void {
  withStoredOptions(command.argument("[place]", "one object as s3://bucket/key, or the beginning of keys"))
    .option("--all", "every stored file")
    .option("--here", "parse and write in this process too, and wait until all is loaded")
    .option("--wait", "wait until the fleet has loaded all")
    .option("--json", "print a JSON object")
    .addHelpText("after", "\nHarmless when repeated: what is loaded already changes nothing.")
    .action(async (place: string | undefined, options: Options) => {
      const selection = { ...selectionOf(options), ...(place === undefined ? {} : { place }) };
      if (Object.keys(selection).length === 0 && !options.all) {
        throw new UsageError("say which files: an object, a prefix, --chains, days, or --all");
      }
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { replay } = await import("../replay.ts");
        const result = await replay(runtime, selection, options);
        if (options.json) return printJson(result);
        printLine(`${counted(result.files, "file")} sent through parser and writer again`);
        if (!options.here && !options.wait) printLine("gogobe lag tells how far they are");
      });
    });
}
