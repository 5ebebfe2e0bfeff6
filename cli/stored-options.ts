import type { Command } from "commander";
import type { FileType } from "../shared/contracts/file-identity.ts";
import { checkDays, parseDay, parseList, parseTypes } from "./options.ts";
import type { StoredSelection } from "./stored-files.ts";

/** What `replay` and `backfill` narrow themselves to. */
export interface StoredFlags {
  chain?: string[];
  since?: string;
  until?: string;
  type?: FileType[];
}

export function withStoredOptions(command: Command): Command {
  return command
    .option("--chain <keys>", "files of these chains only", parseList)
    .option("--since <day>", "published on this Israel day or later", parseDay)
    .option("--until <day>", "published on this Israel day or earlier", parseDay)
    .option("--type <types>", "these file types only", parseTypes);
}

/** @throws {UsageError} when the days are the wrong way round */
export function selectionOf(flags: StoredFlags): StoredSelection {
  checkDays(flags);
  const { chain, since, until, type } = flags;
  return {
    ...(chain === undefined ? {} : { chains: chain }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(type === undefined ? {} : { types: type }),
  };
}
