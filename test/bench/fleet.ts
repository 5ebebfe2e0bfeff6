import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { GROUPS } from "../../shared/contracts/topics.ts";
import { startCerberus } from "../fake-portals/cerberus.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import { hugePriceFull } from "../fixtures/huge.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";
import { createWorld, type World } from "../fleet/world.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import type { Stage } from "../helpers/fleet.ts";
import { waitForMembers } from "../helpers/group-members.ts";
import { createPipeline } from "../helpers/pipeline.ts";
import { type Measure, measure } from "./measure.ts";

export interface FleetScale {
  /** PriceFull files, each of a store of its own. */
  files: number;
  /** In each of them. */
  items: number;
}

export const FULL_FLEET: FleetScale = { files: 300, items: 2_000 };
export const QUICK_FLEET: FleetScale = { files: 20, items: 200 };

const CHAIN = FIXTURE_CHAINS.alon;
const DAY = "2026-08-14";
const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 1_800_000;
const CRAWL = ["--chains", CHAIN.key, "--since", DAY];
/** The views are not what is measured, on either side. */
const SETTINGS = { GOGOBE_REFRESH_SECONDS: "600" };

/**
 * Many small files from a portal to the prices of a database: through stages of their own on Kafka, S3 and PostgreSQL, with one parser and
 * with two, and through one process on the embedded default.
 * @throws {Error} where the environment names no engines
 */
export async function benchFleet({ files, items }: FleetScale, say: (what: string) => void): Promise<Measure[]> {
  if (findFleetEngines() === null) throw new Error(`the bench of the fleet: ${NO_ENGINES}`);
  say("making the files");
  const portal = await startCerberus(await createFiles(files, items), {
    accounts: [{ chain: { ...CHAIN, chainIds: [CHAIN.chainId] }, username: CHAIN.key }],
  });
  // As many connections as a downloader has places: the politeness of one host is not what is measured.
  const overrides = Object.entries(portal.chainOverrides());
  const chains = Object.fromEntries(overrides.map(([key, chain]) => [key, { ...chain, maxParallel: 20 }]));
  try {
    say("the embedded default");
    const embedded = await runEmbedded(chains, files, items);
    say("the fleet with one parser");
    const one = await runFleet(chains, files, items, 1);
    say("the fleet with two parsers");
    const two = await runFleet(chains, files, items, 2);
    const alone: number[] = [];
    for (const parsers of [1, 2]) {
      say(`a backlog for ${parsers} parsers alone`);
      alone.push(await parseBacklog(chains, files, parsers));
    }
    const [oneAlone = Number.NaN, twoAlone = Number.NaN] = alone;
    const rows = files * items;
    return [
      measure("embedded default, files", "files/s", files / embedded, files / embedded),
      measure("embedded default, items", "items/s", rows / embedded, rows / embedded),
      measure("fleet, files", "files/s", files / one, files / embedded),
      measure("fleet, items", "items/s", rows / one, rows / embedded),
      measure("fleet, two parsers, items", "items/s", rows / two, rows / one),
      measure("parsing a backlog alone, items", "items/s", rows / oneAlone, rows / one),
      measure("parsing a backlog alone, two parsers, items", "items/s", rows / twoAlone, rows / oneAlone),
    ];
  } finally {
    await portal.close();
  }
}

type Chains = Record<string, ReturnType<FakePortal["chainOverrides"]>[string]>;

async function createFiles(files: number, items: number): Promise<PortalFile[]> {
  const list = createStoresList(CHAIN, DAY, "bench", files);
  const made: PortalFile[] = [];
  for (let index = 0; index < files; index++) {
    const store = fixtureStore(list, index);
    const file = hugePriceFull({ seed: "bench", chain: CHAIN, store, day: DAY, items });
    const content = await buffer(file.gzip());
    made.push({ name: file.fileName, content, publishedAt: new Date(`${DAY}T03:00:00Z`), account: CHAIN.key });
  }
  return made;
}

/** Seconds from the start of the command to the last price, the database server running already. */
async function runEmbedded(chains: Chains, files: number, items: number): Promise<number> {
  const pipeline = await createPipeline({ chains, env: SETTINGS, embedded: true });
  try {
    await pipeline.must(["migrate"]);
    const pool = await pipeline.pool();
    try {
      const start = performance.now();
      const loaded = untilAll(pool, files, "loaded_at");
      await Promise.all([loaded, pipeline.must(["run", "--once", ...CRAWL], { timeoutMs: PATIENCE_MS })]);
      await expectAll(pool, files * items);
      return ((await loaded) - start) / 1_000;
    } finally {
      await pool.end();
    }
  } finally {
    await pipeline.close();
  }
}

/** Seconds from the start of the crawl to the last price, the stages running already. */
async function runFleet(chains: Chains, files: number, items: number, parsers: number): Promise<number> {
  return await withFleet(chains, ["write", "download"], async (world, pool) => {
    await startParsers(world, parsers);
    const start = performance.now();
    const loaded = untilAll(pool, files, "loaded_at");
    await Promise.all([loaded, world.must(["crawl", "--once", ...CRAWL], { timeoutMs: PATIENCE_MS })]);
    await expectAll(pool, files * items);
    return ((await loaded) - start) / 1_000;
  });
}

/** Seconds that parsers need for files that are all downloaded, with nothing beside them: from the first file to the last. */
async function parseBacklog(chains: Chains, files: number, parsers: number): Promise<number> {
  return await withFleet(chains, ["download"], async (world, pool) => {
    await world.must(["crawl", "--once", ...CRAWL], { timeoutMs: PATIENCE_MS });
    await untilAll(pool, files, "downloaded_at");
    await Promise.all(world.members("download").map((downloader) => downloader.stop()));
    await Promise.all(Array.from({ length: parsers }, () => world.start("parse")));
    await untilAll(pool, files, "parsed_at");
    // The clock starts when the first file is done, which is the moment from which every parser has work.
    const { rows } = await pool.query<{ seconds: number }>(
      "SELECT extract(epoch FROM max(parsed_at) - min(parsed_at))::float8 AS seconds FROM files",
    );
    return (rows[0]?.seconds ?? Number.NaN) * (files / Math.max(1, files - 1));
  });
}

async function withFleet<T>(
  chains: Chains,
  members: readonly Stage[],
  use: (world: World, pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const world = await createWorld({ chains, env: SETTINGS, members });
  const pool = new pg.Pool({ connectionString: world.env["DATABASE_URL"], max: 1 });
  pool.on("error", () => undefined);
  try {
    return await use(world, pool);
  } finally {
    await pool.end();
    await world.close();
  }
}

async function startParsers(world: World, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => world.start("parse")));
  await waitForMembers(world.env, GROUPS.parser, count);
}

/** When the ledger first shows all files as far as that. @throws {Error} when that takes half an hour */
async function untilAll(
  pool: pg.Pool,
  files: number,
  column: "downloaded_at" | "parsed_at" | "loaded_at",
): Promise<number> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt) {
    const { rows } = await pool.query<{ done: number }>(`SELECT count(${column})::int AS done FROM files`);
    if (rows[0]?.done === files) return performance.now();
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`not all of ${files} files had ${column} within ${PATIENCE_MS / 60_000} minutes`);
}

/** A measure of work that was not done would look good. */
async function expectAll(pool: pg.Pool, items: number): Promise<void> {
  const { rows } = await pool.query<{ prices: number }>("SELECT count(*)::int AS prices FROM prices");
  if (rows[0]?.prices !== items) throw new Error(`${rows[0]?.prices} of ${items} prices were loaded`);
}
