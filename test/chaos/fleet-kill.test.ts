import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createWorld, type World } from "../fleet/world.ts";
import { expectDemoTruth } from "../helpers/demo-truth.ts";
import { exportDifferences } from "../helpers/exported-tables.ts";
import { findFleetEngines } from "../helpers/fleet-engines.ts";
import { type OwnEngines, startOwnEngines } from "./engines.ts";
import { type Crew, startCrew } from "./fleet-crew.ts";
import { type Blow, chaosSize, planChaos } from "./fleet-plan.ts";

const size = chaosSize(process.env);
const seed = process.env["GOGOBE_CHAOS_SEED"] ?? String(Date.now());
/** It brings up engines of its own; who has none on this machine is not made to build them by `npm test`. */
const asked = process.env["GOGOBE_CHAOS"] === "long" || findFleetEngines() !== null;
const skipped = asked ? "" : ", skipped: npm run chaos brings up engines to break, infra/native/test does too";

/** Two stores files a day and chain, five files a store. */
const STORES_PER_CHAIN = Math.ceil((size.files - 6) / 15);
/** Two of each that works on files, so that one can take over from the other. */
const STAGES = ["crawl", "download", "download", "parse", "parse", "write", "write"] as const;
const SETTINGS = {
  GOGOBE_SWEEP_SECONDS: "10",
  GOGOBE_REFRESH_SECONDS: "5",
  // The default: what it takes to lose a file to an outage.
  GOGOBE_RETRY_ATTEMPTS: "5",
};
const SETTLE_MS = 600_000;
const TEST_MS = 3_600_000;
const UNDISTURBED_MS = 1_200_000;

describe.skipIf(!asked)(`a fleet that loses processes and engines (GOGOBE_CHAOS_SEED=${seed}${skipped})`, () => {
  let engines: OwnEngines;
  let demo: Demo;
  let portals: DemoPortals;
  let files: PortalFile[];
  let undisturbed: Map<string, string>;

  beforeAll(async () => {
    engines = await startOwnEngines();
    Object.assign(process.env, engines.env);
    demo = createDemo({ seed: "fleet chaos", products: 300, storesPerChain: STORES_PER_CHAIN });
    files = demo.chains
      .flatMap((chain) => chain.files)
      .sort((a, b) => a.publishedAt.getTime() - b.publishedAt.getTime());
    portals = await startDemoPortals(demo);
    portals.publish(files);
    const world = await createWorld({ chains: portals.chainOverrides(), env: SETTINGS });
    try {
      const args = ["crawl", "--once", "--wait", "--chains", portals.keys.join(","), "--since", demo.days[0]];
      await world.must(args, { timeoutMs: UNDISTURBED_MS });
      await expectDemoTruth(world, demo.truth);
      undisturbed = await world.exportTables();
    } finally {
      await world.close();
    }
  }, UNDISTURBED_MS);
  afterAll(async () => {
    await portals?.close();
    await engines?.close();
  });

  test(
    `${size.kills} kills, ${size.brokerRestarts} broker restarts, ${size.s3Stops} times no S3 for ${size.s3StopSeconds} s, ${size.databaseRestarts} PostgreSQL crash: the export is that of an undisturbed run of ${STORES_PER_CHAIN * 15 + 6} files`,
    async () => {
      portals.publish([]);
      const overrides = Object.entries(portals.chainOverrides());
      const chains = Object.fromEntries(
        overrides.map(([key, chain]) => [key, { ...chain, intervalSeconds: 2, maxParallel: 20 }]),
      );
      const world = await createWorld({ chains, env: SETTINGS, members: [] });
      const crew = startCrew(world, STAGES, { crawl: ["--chains", portals.keys.join(","), "--since", demo.days[0]] });
      try {
        await expect.poll(() => crew.running().length, { timeout: 120_000 }).toBe(STAGES.length);
        await strike(planChaos(seed, size), crew);
        portals.publish(files);
        await settled(world);
        expect(crew.crashes()).toEqual([]);
        await expectDemoTruth(world, demo.truth);
        expect(await world.json(["dlq", "list"])).toEqual([]);
        expect(exportDifferences(await world.exportTables(), undisturbed)).toEqual([]);
      } finally {
        await crew.close();
        await world.close();
      }
    },
    TEST_MS,
  );

  /** Before each blow the portals publish some more, so that there is work in hand when it falls. */
  async function strike(plan: readonly Blow[], crew: Crew): Promise<void> {
    let outage: Promise<void> = Promise.resolve();
    for (const [index, blow] of plan.entries()) {
      portals.publish(files.slice(0, Math.ceil(((index + 1) / (plan.length + 1)) * files.length)));
      await sleep(blow.waitMs);
      if (blow.kind === "kill" || blow.kind === "freeze") {
        const strikeOne = () => (blow.kind === "kill" ? crew.kill(blow.nth) : crew.freeze(blow.nth, blow.forMs));
        say(`${blow.kind} ${await vi.waitUntil(strikeOne, { timeout: SETTLE_MS, interval: 100 })}`);
      } else {
        // One engine at a time, but processes go on dying meanwhile.
        await outage;
        say(blow.kind);
        outage = takeAway(blow);
        outage.catch(() => undefined);
      }
    }
    await outage;
  }

  async function takeAway(blow: Blow & { kind: "broker" | "s3" | "database" }): Promise<void> {
    if (blow.kind === "broker") {
      await (blow.hard ? engines.kill("kafka") : engines.stop("kafka"));
      await engines.start("kafka");
    } else if (blow.kind === "s3") {
      await engines.stop("versitygw");
      await sleep(blow.forMs);
      await engines.start("versitygw");
    } else {
      await engines.kill("postgres18");
      await engines.start("postgres18");
    }
  }

  async function settled(world: World): Promise<void> {
    const pool = new pg.Pool({ connectionString: world.env["DATABASE_URL"], max: 1 });
    pool.on("error", () => undefined);
    const standing = async () => {
      const { rows } = await pool.query<{ status: string; files: number }>(
        "SELECT status, count(*)::int AS files FROM files GROUP BY status ORDER BY status",
      );
      return Object.fromEntries(rows.map(({ status, files: count }) => [status, count]));
    };
    try {
      await expect.poll(standing, { timeout: SETTLE_MS, interval: 500 }).toEqual({ loaded: files.length });
      const lag = async () => {
        const partitions = await world.json<{ lag: number }[]>(["lag"]);
        return partitions.reduce((sum, partition) => sum + partition.lag, 0);
      };
      await expect.poll(lag, { timeout: SETTLE_MS, interval: 500 }).toBe(0);
    } finally {
      await pool.end();
    }
  }
});

function say(what: string): void {
  process.stderr.write(`chaos: ${what}\n`);
}
