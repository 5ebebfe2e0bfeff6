import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { printLine } from "../output.ts";
import { withRuntime } from "../runtime.ts";

export function configure(command: Command): void {
  command.action(async () => {
    await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
      const { refreshViews } = await import("../../writer/views.ts");
      await refreshViews((await runtime.database()).pool, { force: true });
      printLine("the materialized views are fresh");
    });
  });
}
