import type { Command } from "commander";

export interface DemoFlags {
  home?: string;
  json?: boolean;
}

export function configure(command: Command): void {
  command
    .option(
      "--home <dir>",
      "keep the database and the files in this directory; default: a temporary one, removed at the end",
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nUses the embedded defaults only, whatever is configured: your own data is never touched.")
    .action(async (flags: DemoFlags) => {
      const { demo } = await import("../demo.ts");
      await demo(command, flags);
    });
}
