import { relative } from "node:path";
import { printJson, printLine } from "../output.ts";
import type { NewPortal } from "./new-portal.ts";

export function printNewPortal(portal: NewPortal, options: { json?: boolean }): void {
  if (options.json) return printJson(portal);
  const { family, created, changed, chainsFile, snippet, test } = portal;
  const shown = (path: string) => relative(process.cwd(), path) || path;
  printLine(`the portal family ${family} has a beginning:`);
  for (const path of created) printLine(`  ${shown(path)}`);
  for (const path of changed) printLine(`  ${shown(path)}   names it now`);
  if (snippet !== null) printLine(`  put this into a chains file (GOGOBE_CHAINS_FILE): ${snippet}`);
  printLine("next:");
  printLine(`  ${test}`);
  const where = chainsFile === null && snippet === null ? " --registry" : "";
  printLine(`  gogobe chains new <key> --portal ${family} --chain-ids <ids> --base-url <address>${where}`);
  printLine(`  gogobe chains check <key>`);
}
