import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BackfillResult } from "../../cli/backfill.ts";
import { PARSER_VERSION } from "../../parser/parser-version.ts";
import { TOPICS } from "../../shared/contracts/topics.ts";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { exportDifferences } from "../helpers/exported-tables.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { createWorld, type World } from "./world.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/gogobe.js");
/** A gogobe whose parser version is one higher. */
const NEWER_PARSER = { NODE_OPTIONS: `--import ${join(import.meta.dirname, "preload/newer-parser.ts")}` };

const engines = findFleetEngines();

describe.skipIf(engines === null)(`replay and backfill from S3${engines === null ? ` (${NO_ENGINES})` : ""}`, () => {
  let demo: Demo;
  let portals: DemoPortals;
  /** Loaded the ordinary way: crawled, downloaded, parsed and written by the members of a fleet. */
  let original: World;
  let exported: Map<string, string>;
  const others: World[] = [];

  beforeAll(async () => {
    demo = createDemo({ seed: "replay", products: 60 });
    portals = await startDemoPortals(demo);
    original = await createWorld({ chains: portals.chainOverrides() });
    const crawl = ["crawl", "--once", "--wait", "--chains", portals.keys.join(","), "--since", demo.days[0]];
    for (const day of demo.days) {
      portals.publishUntil(day);
      await original.must(crawl);
    }
    exported = await original.exportTables();
  });
  afterAll(async () => {
    await Promise.all([original, ...others].map((world) => world?.close()));
    await portals.close();
  });

  /** A gogobe of its own (database, topics) over the objects of the original, which are all it has. */
  const withObjectsAlone = async (): Promise<World> => {
    const world = await createWorld({ chains: portals.chainOverrides(), members: [] });
    others.push(world);
    world.env["S3_BUCKET"] = original.env["S3_BUCKET"] ?? "";
    return world;
  };

  const changes = async (world: World) => exportDifferences(await world.exportTables(), exported);
  /** `batches` keeps what each parser version read. */
  const changesButBatches = async (world: World) =>
    (await changes(world)).filter((difference) => !difference.startsWith("batches.csv"));

  const published = async (topic: string) => {
    const partitions = await original.json<{ topic: string; end: number }[]>(["lag"]);
    return partitions.filter((each) => each.topic === topic).reduce((sum, { end }) => sum + end, 0);
  };

  test("everything twice over the bus, through parser and writer, changes nothing", async () => {
    const { files } = demo.truth;
    const before = { downloaded: await published(TOPICS.downloaded), products: await published(TOPICS.products) };
    const batches = await original.query("SELECT batch_id, loaded_at FROM batches ORDER BY batch_id");
    for (const _ of [1, 2]) expect(await original.json(["replay", "--all", "--wait"])).toEqual({ files });
    expect(await published(TOPICS.downloaded)).toBe(before.downloaded + 2 * files);
    expect(await published(TOPICS.products)).toBe(before.products * 3);
    expect(await original.query("SELECT batch_id, loaded_at FROM batches ORDER BY batch_id")).toEqual(batches);
    expect(await changes(original)).toEqual([]);
  });

  test("of one object, of a prefix, or of a chain and days means just those files", async () => {
    const [chain] = demo.chains;
    const key = chain?.chain.key ?? "";
    const [file] = await original.query<{ object_uri: string }>(
      `SELECT object_uri FROM files WHERE chain = '${key}' ORDER BY file_name LIMIT 1`,
    );
    const [counts] = await original.query<{ day: number; chain: number; stores: number }>(
      `SELECT count(*) FILTER (WHERE object_uri LIKE '%/${key}/${demo.days[1]}/%')::int AS day, count(*)::int AS chain,
           count(*) FILTER (WHERE file_type = 'stores' AND published_at < '${demo.days[1]}'::timestamp AT TIME ZONE 'Asia/Jerusalem')::int AS stores
         FROM files WHERE chain = '${key}'`,
    );
    const replayed = async (...args: string[]) =>
      (await original.json<{ files: number }>(["replay", ...args, "--wait"])).files;
    expect(await replayed(file?.object_uri ?? "")).toBe(1);
    expect(await replayed(`${key}/${demo.days[1]}/`)).toBe(counts?.day);
    expect(await replayed("--chain", key, "--since", demo.days[0], "--until", demo.days[1])).toBe(counts?.chain);
    expect(await replayed("--chain", key, "--until", demo.days[0], "--type", "stores")).toBe(counts?.stores);
    expect(counts?.stores).toBeGreaterThan(0);
    expect(await changes(original)).toEqual([]);
  });

  test("over the bus into an empty database, from the objects' metadata alone, gives the same export", async () => {
    const world = await withObjectsAlone();
    await Promise.all([world.start("parse"), world.start("write")]);
    expect(await world.json(["replay", "--all", "--wait"])).toEqual({ files: demo.truth.files });
    expect(await changes(world)).toEqual([]);
  });

  describe("backfill into an empty database", () => {
    let world: World;
    let pool: pg.Pool;
    beforeAll(async () => {
      world = await withObjectsAlone();
      pool = new pg.Pool({ connectionString: world.env["DATABASE_URL"] ?? "", max: 1 });
      pool.on("error", () => undefined);
    });
    afterAll(() => pool.end());
    const count = async (sql: string) => Number((await pool.query<{ count: string }>(sql)).rows[0]?.count);
    const loaded = () => count("SELECT count(*) FROM files WHERE status = 'loaded'");

    test("goes on after kill -9 where it was, with an estimate of its time, and gives the same export", async () => {
      const child = spawn(process.execPath, [PROGRAM, "backfill", "--parallel", "2"], {
        env: { ...process.env, ...world.env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const said = text(child.stderr);
      await expect.poll(loaded, { timeout: 60_000, interval: 10 }).toBeGreaterThan(8);
      child.kill("SIGKILL");
      await once(child, "exit");
      // What it had sent may still commit.
      const backends =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
      await expect.poll(() => count(backends), { timeout: 30_000 }).toBe(0);
      const before = await loaded();
      expect(before).toBeLessThan(demo.truth.files);
      expect(await said).toMatch(/^files: \d+ of \d+, about .+ left$/m);
      const { rows: batches } = await pool.query(
        "SELECT batch_id, b.loaded_at FROM batches b JOIN files USING (file_id) WHERE status = 'loaded' ORDER BY batch_id",
      );

      const again = await world.json<BackfillResult>(["backfill", "--parallel", "2"]);
      expect(again).toEqual({ loaded: demo.truth.files - before, quarantined: 0, failed: 0, before });
      const { rows: kept } = await pool.query(
        "SELECT batch_id, loaded_at FROM batches WHERE batch_id = ANY ($1) ORDER BY batch_id",
        [batches.map(({ batch_id: id }) => id as string)],
      );
      expect(kept).toEqual(batches);
      expect(await changes(world)).toEqual([]);
    });

    test("leaves what is loaded alone, until a raised parser version loads every file again, whole", async () => {
      const everything = demo.truth.files;
      expect(await world.json(["backfill"])).toMatchObject({ loaded: 0, before: everything });
      // As if the parser had read prices wrongly until now.
      await pool.query("UPDATE prices SET price = price + 1");
      expect(await world.json(["backfill"])).toMatchObject({ loaded: 0, before: everything });
      expect(await changes(world)).not.toEqual([]);

      expect(await world.json(["backfill"], { env: NEWER_PARSER })).toMatchObject({ loaded: everything, before: 0 });
      expect(
        await count(`SELECT count(DISTINCT file_id) FROM batches WHERE parser_version = ${PARSER_VERSION + 1}`),
      ).toBe(everything);
      expect(await changesButBatches(world)).toEqual([]);
    });
  });

  test("replay with a parser of a raised version loads every file again, whole, and the older one changes nothing after it", async () => {
    await Promise.all(original.members("parse").map((member) => member.stop()));
    const newer = await original.start("parse", { env: NEWER_PARSER });
    await original.must(["replay", "--all", "--wait"]);
    const versions = async () =>
      original.query(
        `SELECT parser_version::int AS version, count(DISTINCT file_id)::int AS files FROM batches GROUP BY 1 ORDER BY 1`,
      );
    const both = [PARSER_VERSION, PARSER_VERSION + 1].map((version) => ({ version, files: demo.truth.files }));
    expect(await versions()).toEqual(both);
    expect(await changesButBatches(original)).toEqual([]);
    await newer.stop();
    await original.start("parse");
    await original.must(["replay", "--all", "--wait"]);
    expect(await versions()).toEqual(both);
    expect(await changesButBatches(original)).toEqual([]);
  });
});
