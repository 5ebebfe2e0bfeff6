import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { GROUPS } from "../../shared/contracts/topics.ts";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import type { Service } from "../helpers/command.ts";
import { expectDemoTruth } from "../helpers/demo-truth.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { waitForMembers } from "../helpers/group-members.ts";
import { counterOf } from "../helpers/service-metrics.ts";
import { createWorld, type World } from "./world.ts";

const engines = findFleetEngines();

/** A topic of the tests has four partitions, so four parsers get one each. */
describe.skipIf(!engines)(`parsers share one topic${engines ? "" : ` (${NO_ENGINES})`}`, () => {
  let demo: Demo;
  let portals: DemoPortals;
  let world: World;

  beforeAll(async () => {
    demo = createDemo({ seed: "sharing", products: 150, storesPerChain: 5 });
    portals = await startDemoPortals(demo);
    portals.publishUntil(demo.days[1]);
  });
  afterEach(() => world.close());
  afterAll(() => portals.close());

  const open = async (parsers: number): Promise<Service[]> => {
    world = await createWorld({ chains: portals.chainOverrides(), members: ["download", "write"] });
    const services = await Promise.all(Array.from({ length: parsers }, () => world.start("parse")));
    await waitForMembers(world.env, GROUPS.parser, parsers);
    return services;
  };
  const crawl = (...more: string[]) =>
    world.must(["crawl", "--once", "--chains", portals.keys.join(","), "--since", demo.days[0], ...more]);
  const parsedBy = (parser: Service) => counterOf(parser, "gogobe_files_total", { stage: "parser", outcome: "parsed" });

  async function filesToParse(): Promise<number> {
    const client = new pg.Client({ connectionString: world.env["DATABASE_URL"] });
    await client.connect();
    try {
      const text = "SELECT count(*)::int AS files FROM files WHERE status IN ('discovered', 'downloaded')";
      return (await client.query<{ files: number }>(text)).rows[0]?.files ?? 0;
    } finally {
      await client.end();
    }
  }

  async function expectLoadedOnce(): Promise<void> {
    await expectDemoTruth(world, demo.truth);
    // Every batch that a parser announced is there, and there is no other.
    const [batches] = await world.query(
      `SELECT count(*)::int AS loaded, (SELECT sum(batch_count)::int FROM files) AS announced FROM batches`,
    );
    const [writer] = world.members("write");
    const applied = writer ? await counterOf(writer, "gogobe_batches_total", { outcome: "applied" }) : 0;
    expect(batches).toEqual({ loaded: applied, announced: applied });
    expect(applied).toBeGreaterThanOrEqual(demo.truth.files);
  }

  test.each([2, 4])(
    "%i parsers each do some of it, every file is parsed once and every batch loaded once",
    async (count) => {
      const parsers = await open(count);
      await crawl("--wait");
      const shares = await Promise.all(parsers.map(parsedBy));
      expect(Math.min(...shares), `files per parser: ${shares.join(", ")}`).toBeGreaterThan(0);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(demo.truth.files);
      await expectLoadedOnce();
    },
  );

  test("one that is stopped and one that is killed in the middle cost nothing", async () => {
    const [first, second] = await open(3);
    if (!first || !second) throw new Error("three parsers were started");
    const loading = crawl("--wait");
    await expect.poll(() => parsedBy(first), { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
    const left = await filesToParse();
    expect(await first.stop()).toBe(0);
    await second.kill();
    expect(left, "files that were still to be parsed").toBeGreaterThan(0);
    await loading;
    await expectLoadedOnce();
  });
});
