import type { Command } from "commander";
import { runService } from "../service.ts";
import { startParse } from "../stages.ts";

export function configure(command: Command): void {
  command.action(() => runService(command, "parse", async (runtime) => ({ "the parser": await startParse(runtime) })));
}
