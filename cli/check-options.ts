import type { Command } from "commander";
import { type FilterFlags, withFilterOptions } from "./crawl-options.ts";

export interface CheckCommandFlags extends FilterFlags {
  live?: boolean;
  all?: boolean;
  json?: boolean;
}

export function withCheckOptions(command: Command): Command {
  command
    .description("list a chain's portal, download one file of each type and parse it; records and loads nothing")
    .argument("[key...]", "registry keys")
    .option("--live", "ask the real portal; without it, the fake portal of its family, started on this machine")
    .option("--all", "every chain; with --live those that are not retired");
  return withFilterOptions(command)
    .option("--json", "print a JSON object; an array for several keys or --all")
    .addHelpText(
      "after",
      "\nWithout --live nothing leaves this machine: it tells whether entry, plugin and parser fit together. With --live it tells whether the" +
        "\nportal still is what its plugin expects. Ends with 1 when anything is wrong.",
    );
}
