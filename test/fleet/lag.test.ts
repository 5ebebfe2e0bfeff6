import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GROUPS, TOPICS } from "../../shared/contracts/topics.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { runCommand } from "../helpers/command.ts";
import { describeGroups, type GroupPartition } from "../helpers/consumer-groups.ts";
import { createFleetSpace, findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { createWorld, mustRun, type World } from "./world.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/gogobe.js");
const PARTITIONS = 4;

interface LagRow extends Omit<GroupPartition, "end" | "lag"> {
  end: number;
  lag: number;
  rate: number | null;
  drained_in: string | null;
}

const engines = findFleetEngines();

describe.skipIf(engines === null)(`gogobe lag${engines === null ? ` (${NO_ENGINES})` : ""}`, () => {
  let world: World;
  let demo: Demo;
  let work: string;
  let files: number;

  beforeAll(async () => {
    demo = createDemo({ seed: "lag", products: 20 });
    work = await mkdtemp(join(tmpdir(), "gogobe-lag-"));
    const paths: string[] = [];
    for (const { name, content } of demo.chains.flatMap((chain) => chain.files)) {
      paths.push(join(work, name));
      await writeFile(paths.at(-1) ?? "", content as Uint8Array);
    }
    files = paths.length;
    // One batch a transaction and few in flight, so that a writer that stands still leaves a backlog.
    world = await createWorld({ env: { GOGOBE_WRITE_FLUSH_BATCHES: "1" } });
    await world.must(["ingest", ...paths]);
  });
  afterAll(async () => {
    await world?.close();
    await rm(work, { recursive: true, force: true });
  });

  const ours = () => world.json<LagRow[]>(["lag"]);
  /** What Kafka says, in our names. */
  const theirs = async (): Promise<GroupPartition[]> => {
    const prefix = world.env["KAFKA_PREFIX"] ?? "";
    const groups = Object.values(GROUPS).map((group) => `${prefix}${group}`);
    const partitions = await describeGroups(world.env["KAFKA_BROKERS"] ?? "", groups);
    return partitions.map((each) => ({
      ...each,
      group: each.group.slice(prefix.length),
      topic: each.topic.slice(prefix.length),
    }));
  };
  /** Both at one moment: ours is the same before and after. */
  const bothAtRest = async (): Promise<{ ours: GroupPartition[]; theirs: GroupPartition[] }> => {
    for (;;) {
      const [before, kafka, after] = [await ours(), await theirs(), await ours()];
      if (JSON.stringify(before) !== JSON.stringify(after)) continue;
      // Of a partition without a commit Kafka says nothing, or dashes; we say how much of it waits.
      const known = new Set(kafka.map(placeOf));
      const rows = after.filter((row) => row.committed !== null || known.has(placeOf(row)));
      return { ours: sorted(rows.map(asKafka)), theirs: sorted(kafka) };
    }
  };
  /** Messages for the downloader: not worth anything, but they are taken and committed. */
  const discover = async () => {
    for (const key of ["a", "b", "c", "d", "e", "f"]) await world.publishRaw(TOPICS.discovered, { key, value: "{}" });
  };
  const total = (rows: readonly GroupPartition[], topic: string) =>
    rows.filter((row) => row.topic === topic).reduce((sum, row) => sum + (row.lag ?? 0), 0);

  test("has a row for every partition of every topic, with nothing committed where nothing ever came", async () => {
    const rows = await ours();
    expect(rows.map(placeOf).toSorted()).toEqual(
      Object.values(TOPICS)
        .flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => `${topic}/${partition}`))
        .toSorted(),
    );
    // Nothing was crawled.
    const downloader = rows.filter(({ group }) => group === GROUPS.downloader);
    expect(downloader.map(({ end, committed, lag }) => [end, committed, lag])).toEqual(
      Array.from({ length: PARTITIONS }, () => [0, null, 0]),
    );
    const table = await world.must(["lag", "--group", "downloader"]);
    expect(table.split("\n")[0]?.split(/\s+/)).toEqual([
      "group",
      "topic",
      "partition",
      "end",
      "committed",
      "lag",
      "rate",
      "drained_in",
    ]);
  });

  test("says what ConsumerGroupCommand says, partition by partition, while the writer is held up and pauses", async () => {
    const client = new pg.Client({ connectionString: world.env["DATABASE_URL"] ?? "" });
    await client.connect();
    try {
      await client.query("BEGIN; LOCK TABLE batches IN ACCESS EXCLUSIVE MODE");
      await discover();
      await world.must(["replay", "--all"]);
      await expect.poll(async () => total(await ours(), TOPICS.downloaded), { timeout: 60_000 }).toBe(0);
      const { ours: gogobe, theirs: kafka } = await bothAtRest();
      expect(gogobe).toEqual(kafka);
      expect(total(gogobe, TOPICS.products)).toBeGreaterThan(10);
      expect(total(gogobe, TOPICS.promotions)).toBeGreaterThan(10);
    } finally {
      await client.end();
    }
    await expect
      .poll(async () => (await ours()).reduce((sum, { lag }) => sum + lag, 0), { timeout: 60_000, interval: 500 })
      .toBe(0);
  });

  test("says what ConsumerGroupCommand says with every consumer stopped, and then how fast the backlog drains", async () => {
    await Promise.all(world.members().map((member) => member.stop()));
    await discover();
    await world.must(["replay", "--all"]);
    const { ours: gogobe, theirs: kafka } = await bothAtRest();
    expect(gogobe).toEqual(kafka);
    expect(total(gogobe, TOPICS.discovered)).toBe(6);
    expect(total(gogobe, TOPICS.downloaded)).toBe(files);
    const topics = await world.json<{ topic: string; partitions: number; lag: number; messages: number }[]>(["topics"]);
    expect(topics.find(({ topic }) => topic === TOPICS.downloaded)).toMatchObject({
      group: GROUPS.parser,
      partitions: PARTITIONS,
      lag: files,
      dead_letter_topic: `${TOPICS.downloaded}.dlq`,
    });

    const watch = spawn(
      process.execPath,
      [PROGRAM, "lag", "--group", GROUPS.parser, "--watch", "--interval", "1", "--json"],
      {
        env: { ...process.env, ...world.env },
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    const samples: LagRow[][] = [];
    createInterface({ input: watch.stdout }).on("line", (line) => samples.push(JSON.parse(line) as LagRow[]));
    // Its first sample is of the backlog that nobody takes.
    await once(watch.stdout, "data");
    const parser = await world.start("parse");
    await expect.poll(() => total(samples.at(-1) ?? [], TOPICS.downloaded), { timeout: 60_000 }).toBe(0);
    watch.kill("SIGTERM");
    await once(watch, "close");
    await parser.stop();

    expect(samples[0]?.every(({ rate, drained_in: time }) => rate === null && time === null)).toBe(true);
    const moving = samples.flat().filter(({ rate }) => (rate ?? 0) > 0);
    expect(moving.length).toBeGreaterThan(0);
    const wrong = samples.flat().filter(({ rate, lag, drained_in: time }) => {
      if (rate === null || lag === 0) return time !== null;
      return !(rate > 0 ? /^\d+ (s|min|h)/ : /never at this rate/).test(time ?? "");
    });
    expect(wrong).toEqual([]);
  });

  test("says which command makes the topics where there are none", async () => {
    if (engines === null) return;
    const space = await createFleetSpace(engines);
    const env = { ...space.env, GOGOBE_HOME: work, GOGOBE_LOG_LEVEL: "warn" };
    try {
      for (const args of [["lag"], ["topics"], ["dlq", "list"]]) {
        const { code, stderr } = await runCommand(args, env, {});
        expect({ args, code }).toEqual({ args, code: 1 });
        expect(stderr).toContain("gogobe topics create");
        expect(stderr).not.toMatch(/^\s+at /m);
      }
      await mustRun(["topics", "create"], env);
      await mustRun(["topics", "create"], env);
      const rows = JSON.parse(await mustRun(["lag", "--json"], env)) as LagRow[];
      expect(rows).toHaveLength(Object.values(TOPICS).length * PARTITIONS);
      expect(new Set(rows.map(({ committed, lag }) => `${committed} ${lag}`))).toEqual(new Set(["null 0"]));
    } finally {
      await space.remove();
    }
  });
});

function asKafka({ group, topic, partition, committed, end, lag }: LagRow): GroupPartition {
  return { group, topic, partition, committed, end, lag: committed === null ? null : lag };
}

function placeOf({ topic, partition }: GroupPartition): string {
  return `${topic}/${partition}`;
}

function sorted<Row extends GroupPartition>(rows: readonly Row[]): Row[] {
  const key = ({ group, topic, partition }: Row) => `${group}/${topic}/${String(partition).padStart(4, "0")}`;
  return rows.toSorted((left, right) => (key(left) < key(right) ? -1 : 1));
}
