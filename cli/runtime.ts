import type { LoadedChains } from "../crawlers/chains.ts";
import type { PortalFamilies } from "../crawlers/portals/index.ts";
import type { Bus } from "../shared/bus/bus.ts";
import type { Config } from "../shared/config.ts";
import type { Database } from "../shared/database/database.ts";
import type { PortalAccess } from "../shared/net/portal-access.ts";
import type { ObjectStore } from "../shared/object-store/object-store.ts";
import type { Log } from "../shared/observability/log.ts";
import { createMetrics, type Metrics } from "../shared/observability/metrics.ts";
import { type Shutdown, withShutdown } from "../shared/shutdown.ts";
import type { StageDeps } from "../shared/stage.ts";
import type { Context } from "./context.ts";

/** As shells count a program that Ctrl-C ended. */
const EXIT_BROKEN_OFF = 130;

/** Everything a command may need. Each is opened when it is first asked for, and what is open is closed last in, first out. */
export interface Runtime {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of signals, and closes what is added, last in first out. */
  readonly shutdown: Shutdown;
  database(): Promise<Database>;
  bus(): Promise<Bus>;
  store(): Promise<ObjectStore>;
  chains(): Promise<LoadedChains>;
  families(): Promise<PortalFamilies>;
  portals(): Promise<PortalAccess>;
  /** What every stage is handed. */
  stageDeps(): Promise<StageDeps>;
}

/** Opens the database that configuration names, its schema up to date. */
export async function openMigrated(config: Config, log: Log): Promise<Database> {
  const { openDatabase } = await import("../shared/database/open-database.ts");
  const { MIGRATIONS_DIRECTORY } = await import("../writer/migrations.ts");
  return openDatabase(config, log, { migrationsDirectory: MIGRATIONS_DIRECTORY });
}

/**
 * Runs a command with a runtime and closes everything after it, also after a failure. The first signal drains, a second one ends the
 * process at once. A service was asked to end, so it ends well; any other command was broken off, which is a failure.
 */
export async function withRuntime(
  context: Context,
  use: (runtime: Runtime) => Promise<void>,
  options: { service?: boolean } = {},
): Promise<void> {
  await withShutdown({ log: context.log }, async (shutdown) => {
    if (!options.service) {
      shutdown.signal.addEventListener("abort", () => {
        process.exitCode = EXIT_BROKEN_OFF;
      });
    }
    await use(createRuntime(context, shutdown));
  });
}

function createRuntime({ config, log }: Context, shutdown: Shutdown): Runtime {
  const metrics = createMetrics();
  const database = once(async () => {
    const opened = await openMigrated(config, log);
    shutdown.add("the database", () => opened.close());
    return opened;
  });
  const bus = once(async () => {
    const { pool, url } = await database();
    const { openBus } = await import("../shared/bus/open-bus.ts");
    const opened = await openBus({ config, log, metrics, pool, databaseUrl: url });
    shutdown.add("the bus", () => opened.close());
    return opened;
  });
  const store = once(async () => {
    const { openObjectStore } = await import("../shared/object-store/open-object-store.ts");
    const opened = await openObjectStore(config, log);
    shutdown.add("the object store", () => opened.close());
    return opened;
  });
  const chains = once(async () => {
    const { loadChains } = await import("../crawlers/chains.ts");
    return loadChains(config);
  });
  const families = once(async () => {
    const { loadFamilies } = await import("../crawlers/portals/index.ts");
    return loadFamilies(await chains());
  });
  const portals = once(async () => {
    const { pool } = await database();
    const { createPortalAccess } = await import("../shared/net/portal-access.ts");
    const { patienceOf } = await import("../shared/net/net-settings.ts");
    const settings = patienceOf(config.portalSeconds);
    const opened = createPortalAccess({ db: pool, log, metrics, chains: await chains(), settings });
    shutdown.add("the portals", () => opened.close());
    return opened;
  });
  const stageDeps = once(async (): Promise<StageDeps> => {
    const { pool } = await database();
    return { config, log, metrics, bus: await bus(), store: await store(), db: pool, chains: await chains() };
  });
  return { config, log, metrics, shutdown, database, bus, store, chains, families, portals, stageDeps };
}

function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => (opened ??= open());
}
