import type pg from "pg";
import type { Bus } from "./bus/bus.ts";
import type { Config } from "./config.ts";
import type { Chain } from "./contracts/chain.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";

/** The chains that are known: registry merged with the override file. */
export interface ChainRegistry {
  all(): readonly Chain[];
  /** Undefined for an unknown key. */
  byKey(key: string): Chain | undefined;
  /** The chain that publishes under this id; a retired entry only when no other has the id. */
  byChainId(chainId: string): Chain | undefined;
}

/** What every stage is handed. A stage opens nothing by itself and never asks which implementation it got. */
export interface StageDeps {
  config: Config;
  log: Log;
  metrics: Metrics;
  bus: Bus;
  store: ObjectStore;
  db: pg.Pool;
  chains: ChainRegistry;
}

export interface RunningStage {
  /** Drains: what is under way ends and is acknowledged, the rest comes back later. */
  stop(): Promise<void>;
}
