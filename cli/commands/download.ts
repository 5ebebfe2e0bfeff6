import type { Command } from "commander";
import { runService } from "../service.ts";
import { startDownload } from "../stages.ts";

export function configure(command: Command): void {
  command.action(() =>
    runService(command, "download", async (runtime) => ({ "the downloader": await startDownload(runtime) })),
  );
}
