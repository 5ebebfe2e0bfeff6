import type { Command } from "commander";
import { runService } from "../service.ts";
import { startWrite } from "../stages.ts";

export function configure(command: Command): void {
  command.action(() => runService(command, "write", async (runtime) => ({ "the writer": await startWrite(runtime) })));
}
