import type { Command } from "commander";
import type { CrawlFilter } from "../crawlers/listed-file.ts";
import type { FileType } from "../shared/contracts/file-identity.ts";
import { checkDays, parseDay, parseList, parseTypes } from "./options.ts";

/** What a listing is narrowed to. */
export interface FilterFlags {
  types?: FileType[];
  stores?: string[];
  since?: string;
  until?: string;
}

/** What `run` and `crawl` narrow themselves to. */
export interface CrawlFlags extends FilterFlags {
  chains?: string[];
  latest?: boolean;
}

export function withCrawlOptions(command: Command): Command {
  command.option(
    "--chains <keys>",
    "these chains only, for example shufersal,rami-levy; default: all that are not retired",
    parseList,
  );
  return withFilterOptions(command).option("--latest", "only the newest file of each store and type");
}

export function withFilterOptions(command: Command): Command {
  return command
    .option("--types <types>", "these file types only: price, price-full, promo, promo-full, stores", parseTypes)
    .option("--stores <codes>", "these stores only; stores files are every store's", parseList)
    .option(
      "--since <day>",
      "published on this Israel day or later; default: the day before --until, or yesterday",
      parseDay,
    )
    .option("--until <day>", "published on this Israel day or earlier; default: today", parseDay);
}

/** @throws {UsageError} when the days are the wrong way round */
export function filterOf(flags: CrawlFlags): CrawlFilter {
  checkDays(flags);
  const { types, stores, since, until, latest } = flags;
  return {
    ...(types === undefined ? {} : { types }),
    ...(stores === undefined ? {} : { stores }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(latest === undefined ? {} : { latest }),
  };
}
