import type { Command } from "commander";
import type { FileType } from "../shared/contracts/file-identity.ts";
import { checkDays, parseDay, parseList, parseTypes } from "./options.ts";
import type { StoredSelection } from "./stored-files.ts";

/** What `replay`, `backfill` and `files` narrow themselves to: files that are known already, of any day. */
export interface StoredFlags {
  chains?: string[];
  types?: FileType[];
  stores?: string[];
  since?: string;
  until?: string;
  latest?: boolean;
}

export function withStoredOptions(command: Command): Command {
  return command
    .option("--chain, --chains <keys>", "files of these chains only", parseList)
    .option(
      "--type, --types <types>",
      "these file types only: price, price-full, promo, promo-full, stores",
      parseTypes,
    )
    .option("--stores <codes>", "these stores only; stores files are every store's", parseList)
    .option("--since <day>", "published on this Israel day or later", parseDay)
    .option("--until <day>", "published on this Israel day or earlier", parseDay)
    .option("--latest", "only the newest file of each store and type");
}

/** @throws {UsageError} when the days are the wrong way round */
export function selectionOf(flags: StoredFlags): StoredSelection {
  checkDays(flags);
  const { chains, types, stores, since, until, latest } = flags;
  return {
    ...(chains === undefined ? {} : { chains }),
    ...(types === undefined ? {} : { types }),
    ...(stores === undefined ? {} : { stores }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(latest === undefined ? {} : { latest }),
  };
}
