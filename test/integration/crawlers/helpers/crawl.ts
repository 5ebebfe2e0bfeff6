import { appendFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { registryOf } from "../../../../crawlers/chains.ts";
import { type CrawlOptions, type RunningCrawlers, startCrawlers } from "../../../../crawlers/worker.ts";
import type { Bus, OutgoingMessage } from "../../../../shared/bus/bus.ts";
import { loadConfig } from "../../../../shared/config.ts";
import type { Chain } from "../../../../shared/contracts/chain.ts";
import type { FileDiscovered } from "../../../../shared/contracts/file-messages.ts";
import type { ListedFile, PortalFamily } from "../../../../shared/contracts/portal-family.ts";
import { createLog } from "../../../../shared/observability/log.ts";
import { createMetrics } from "../../../../shared/observability/metrics.ts";
import type { StageDeps } from "../../../../shared/stage.ts";
import { chainOn } from "../../../unit/crawlers/helpers/portal.ts";

/** 14:00 on a Tuesday in Israel; the files below are of that day. */
export const NOW = new Date("2026-01-13T12:00:00Z");
export const nameOf = (store: number, time = "0300", type = "PriceFull") =>
  `${type}7290000000001-${String(store).padStart(3, "0")}-20260113${time}.gz`;

export function listedAs(fileName: string, overrides: Partial<ListedFile> = {}): ListedFile {
  return { fileName, url: `http://portal.test/f/${fileName}?sig=secret`, sizeBytes: 100, listedAt: "1", ...overrides };
}

export interface Published {
  topic: string;
  key: string;
  value: FileDiscovered & Record<string, unknown>;
}

/** A bus that only publishes, into a file: what a killed process had published can still be read. */
export class FileBus {
  readonly path: string;
  backlog = 0;

  constructor(path = join(mkdtempSync(join(tmpdir(), "gogobe-bus-")), "messages.jsonl")) {
    this.path = path;
    if (!existsSync(path)) writeFileSync(path, "");
  }

  async publish(topic: string, messages: OutgoingMessage[]): Promise<void> {
    for (const { key, value } of messages) appendFileSync(this.path, `${JSON.stringify({ topic, key, value })}\n`);
  }

  async lag(group?: string) {
    const lag = this.backlog;
    return [{ topic: "any", partition: 0, group: group ?? "any", endOffset: lag, committedOffset: 0, lag }];
  }

  published(): Published[] {
    const lines = readFileSync(this.path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Published);
  }

  names(): string[] {
    return this.published().map((message) => message.value.fileName);
  }
}

/** A family whose pages a test writes down, per chain. */
export function familyOf(pages: (chain: Chain) => AsyncIterable<ListedFile[]> | Iterable<ListedFile[]>): PortalFamily {
  return {
    name: "written",
    async *list({ chain }) {
      yield* pages(chain);
    },
    resolve: async (_, file) => ({ url: file.url }),
  };
}

export function depsOf(db: pg.Pool, bus: FileBus, chains: Chain[], environment: Record<string, string> = {}) {
  const never = () => Promise.reject(new Error("no portal is asked here"));
  return {
    config: loadConfig(environment),
    log: createLog({ level: "silent" }),
    metrics: createMetrics(),
    // Crawlers publish and ask for the lag, nothing else; no store is touched.
    bus: bus as unknown as Bus,
    store: undefined as unknown as StageDeps["store"],
    db,
    chains: registryOf(chains),
    access: { forChain: () => ({ http: { text: never }, ftp: { list: never }, close: async () => undefined }) },
  };
}

/** One run of the crawlers over one family on which all chains are. */
export function crawl(
  db: pg.Pool,
  bus: FileBus,
  family: PortalFamily,
  options: Partial<CrawlOptions> & { chainList?: Chain[]; environment?: Record<string, string> } = {},
): RunningCrawlers {
  const { chainList = [chainOn("written")], environment, ...rest } = options;
  const deps = { ...depsOf(db, bus, chainList, environment), families: new Map([["written", family]]) };
  return startCrawlers(deps, { filter: {}, once: true, now: () => NOW, ...rest });
}
