import type { Command } from "commander";
import type { CrawlFilter } from "../crawlers/listed-file.ts";
import type { FileType } from "../shared/contracts/file-identity.ts";
import { checkDays, parseDay, parseList, parseTypes } from "./options.ts";

/** What `run` and `crawl` narrow themselves to. */
export interface CrawlFlags {
  chains?: string[];
  types?: FileType[];
  stores?: string[];
  since?: string;
  until?: string;
  latest?: boolean;
}

export function withCrawlOptions(command: Command): Command {
  return command
    .option(
      "--chains <keys>",
      "these chains only, for example shufersal,rami-levy; default: all that are not retired",
      parseList,
    )
    .option("--types <types>", "these file types only: price, price-full, promo, promo-full, stores", parseTypes)
    .option("--stores <codes>", "these stores only", parseList)
    .option("--since <day>", "published on this Israel day or later; default: yesterday", parseDay)
    .option("--until <day>", "published on this Israel day or earlier", parseDay)
    .option("--latest", "only the newest file of each store and type");
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
