import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client, type Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { queryReadOnly } from "../../cli/read-only-query.ts";
import { UsageError } from "../../shared/errors.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { fleetIsAsked } from "../helpers/fleet-engines.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const ROOT = join(import.meta.dirname, "../..");
const ON_FLEET = fleetIsAsked() ? " (skipped: of the embedded engines; test/fleet shows the fleet's own)" : "";

/** What `gogobe ingest --json` tells of one file. */
interface Outcome {
  file: string;
  status: string;
  rows: number | null;
  note: string | null;
}

describe("the command line over loaded files", () => {
  let pipeline: Pipeline;
  let demo: Demo;
  let work: string;
  let paths: string[];
  let outcomes: Outcome[];

  beforeAll(async () => {
    pipeline = await createPipeline();
    work = await mkdtemp(join(tmpdir(), "gogobe-cli-"));
    demo = createDemo({ products: 60, today: "2026-08-14" });
    paths = [];
    for (const file of demo.chains.flatMap((chain) => chain.files)) {
      const path = join(work, file.name);
      if (!(file.content instanceof Uint8Array)) throw new Error(`${file.name} is a stream`);
      await writeFile(path, file.content);
      paths.push(path);
    }
    outcomes = JSON.parse(await pipeline.must(["ingest", ...paths, "--json"])) as Outcome[];
  });
  afterAll(async () => {
    await pipeline.close();
    await rm(work, { recursive: true, force: true });
  });

  test("ingest tells of every file how many rows it loaded", () => {
    expect(outcomes.map(({ status }) => status)).toEqual(paths.map(() => "loaded"));
    expect(outcomes.reduce((sum, { rows }) => sum + (rows ?? 0), 0)).toBe(demo.truth.rows);
  });

  test("ingest of the same files changes nothing and says so", async () => {
    const before = await pipeline.exportTables();
    const again = JSON.parse(await pipeline.must(["ingest", ...paths, "--json"])) as Outcome[];
    expect(new Set(again.map(({ note }) => note))).toEqual(new Set(["loaded before: nothing to do"]));
    expect(await pipeline.exportTables()).toEqual(before);
  });

  test("ingest of a file with a name that nobody publishes fails, and loads the others", async () => {
    const odd = join(work, "holiday.jpg");
    const empty = join(work, "Price7299900000019-001-202608141200.gz");
    await writeFile(odd, "not a price file");
    await writeFile(
      empty,
      '<?xml version="1.0"?><Root><ChainId>7299900000019</ChainId><StoreId>1</StoreId><Items Count="0"></Items></Root>',
    );
    const { code, stdout, stderr } = await pipeline.gogobe(["ingest", odd, empty, "--json"]);
    expect((JSON.parse(stdout) as Outcome[]).map(({ status }) => status)).toEqual(["refused", "loaded"]);
    expect(stderr).toContain("1 file of 2 not loaded");
    expect(code).toBe(1);
  });

  test("ingest of a path that does not exist is wrong usage, and loads nothing", async () => {
    const { code, stderr } = await pipeline.gogobe(["ingest", ...paths, join(work, "none.gz")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/none\.gz cannot be read/);
  });

  test("inspect shows what is in a file, stored or local, and every row when asked", async () => {
    const path = paths.find((candidate) => candidate.includes("PriceFull")) ?? "";
    const local = JSON.parse(await pipeline.must(["inspect", path, "--json"])) as { rowsRead: number; dialect: string };
    expect(local.rowsRead).toBeGreaterThan(10);
    const [{ object_uri: uri } = { object_uri: "" }] = await pipeline.query<{ object_uri: string }>(
      `SELECT object_uri FROM files WHERE file_name = '${path.split("/").at(-1)}'`,
    );
    expect(JSON.parse(await pipeline.must(["inspect", uri, "--json"]))).toEqual(local);
    const rows = (await pipeline.must(["inspect", path, "--rows"])).trimEnd().split("\n");
    expect(rows).toHaveLength(local.rowsRead);
    expect(JSON.parse(rows[0] ?? "")).toHaveProperty("ean");
  });

  test("files list filters, files show tells all of one file", async () => {
    const listed = JSON.parse(
      await pipeline.must(["files", "list", "--types", "stores", "--since", "2026-08-14", "--json"]),
    ) as { file_name: string; file_type: string }[];
    expect(listed).toHaveLength(demo.chains.length);
    const [file] = listed;
    const shown = await pipeline.must(["files", "show", file?.file_name ?? "", "--json"]);
    expect(JSON.parse(shown)).toMatchObject({ file_name: file?.file_name, status: "loaded", rejected: [] });
  });

  test("every SQL example of the documentation runs", async () => {
    const pool = await pipeline.pool();
    try {
      for (const document of ["README.md", "docs/data-model.md"]) {
        const examples = [...(await readFile(join(ROOT, document), "utf8")).matchAll(/```sql\n(.*?)```/gs)];
        expect(examples.length).toBeGreaterThan(2);
        for (const [, sql = ""] of examples) await expect(pool.query(sql)).resolves.toBeDefined();
      }
    } finally {
      await pool.end();
    }
  });

  describe("query", () => {
    const refused = [
      "DELETE FROM files",
      "UPDATE files SET status = 'failed'",
      "INSERT INTO chains VALUES ('x', 'x', 'x', 'x', 'x')",
      "DROP TABLE prices",
      "TRUNCATE prices",
      "CREATE TABLE mine (a int)",
      "SELECT * INTO mine FROM files",
      "WITH gone AS (DELETE FROM files RETURNING 1) SELECT * FROM gone",
      "EXPLAIN ANALYZE DELETE FROM files",
      "SELECT 1; DELETE FROM files",
      "SELECT 1; COMMIT; DELETE FROM files",
      "COMMIT",
      "RESET ROLE",
      "DO $$ BEGIN RESET ROLE; DELETE FROM files; END $$",
      "COPY files TO PROGRAM 'cat > /tmp/gogobe-query-escaped'",
      "COPY (SELECT 1) TO '/tmp/gogobe-query-escaped'",
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT nextval('items_id_seq')",
      "VACUUM files",
    ];
    let pool: Pool;
    beforeAll(async () => {
      pool = await pipeline.pool();
    });
    afterAll(() => pool.end());

    test.each(refused)("refuses %s", async (sql) => {
      const answer = queryReadOnly(pool, sql, { timeoutSeconds: 10 });
      await expect(answer).rejects.toThrow(/^the statement is (refused|wrong)/);
      await expect(answer).rejects.toBeInstanceOf(UsageError);
    });

    test("ends with 2 for a statement that is refused, and says what to do", async () => {
      const { code, stdout, stderr } = await pipeline.gogobe(["query", "DELETE FROM files"]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("what to do: ");
    });

    test("left everything as it was after all of them", async () => {
      const { rows } = await pool.query(
        "SELECT count(*)::int AS files, (count(*) FILTER (WHERE status = 'loaded'))::int AS loaded FROM files",
      );
      expect(rows).toEqual([{ files: paths.length + 1, loaded: paths.length + 1 }]);
    });

    test("answers as a table, as JSON and as CSV", async () => {
      const sql = "SELECT 1 AS one, '2026-08-14'::date AS day, NULL AS nothing, 2 AS one";
      expect(await pipeline.must(["query", sql])).toBe(
        "one  day         nothing  one_2\n  1  2026-08-14               2\n",
      );
      expect(JSON.parse(await pipeline.must(["query", sql, "--json"]))).toEqual([
        { one: 1, day: "2026-08-14", nothing: null, one_2: 2 },
      ]);
      expect(await pipeline.must(["query", sql, "--csv"])).toBe("one,day,nothing,one_2\n1,2026-08-14,,2\n");
      expect(await pipeline.must(["query", "/* a comment first */ TABLE chains LIMIT 0;", "--json"])).toBe("[]\n");
    });

    test("gives up after its time", async () => {
      const { code, stderr } = await pipeline.gogobe(["query", "SELECT pg_sleep(60)", "--timeout", "1"]);
      expect(code).toBe(2);
      expect(stderr).toContain("took too long");
    });
  });

  test("a reader that leaves early ends neither with an error nor with a stack", async () => {
    const program = join(ROOT, "bin/gogobe.js");
    const child = spawn(process.execPath, [program, "files", "list"], {
      env: { ...process.env, ...pipeline.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("db url --read-only gives sessions that cannot write", async () => {
    const client = new Client({ connectionString: (await pipeline.must(["db", "url", "--read-only"])).trim() });
    await client.connect();
    try {
      const { rows } = await client.query<{ user: string }>('SELECT current_user AS "user"');
      expect(rows[0]?.user).toBe("gogobe_reader");
      await expect(client.query("DELETE FROM files")).rejects.toThrow(/read-only transaction/);
    } finally {
      await client.end();
    }
  });

  test("replay of everything, twice, changes nothing", async () => {
    const before = await pipeline.exportTables();
    for (const _ of [1, 2]) await pipeline.must(["replay", "--all", "--here"]);
    expect(await pipeline.exportTables()).toEqual(before);
  });

  test("replay of nothing that is stored is wrong usage", async () => {
    expect(await pipeline.gogobe(["replay"])).toMatchObject({ code: 2 });
    expect(await pipeline.gogobe(["replay", "nothing/of/that/kind"])).toMatchObject({ code: 2 });
    expect(await pipeline.gogobe(["replay", "s3://another-bucket/x"])).toMatchObject({ code: 2 });
  });

  test.skipIf(fleetIsAsked())(
    `backfill from the object store alone, broken off and run again, gives the same export${ON_FLEET}`,
    async () => {
      const fresh = await createPipeline({ env: { GOGOBE_WRITE_FLUSH_BATCHES: "1" } });
      try {
        await pipeline.must(["db", "stop"]);
        await cp(join(pipeline.home, "objects"), join(fresh.home, "objects"), { recursive: true });
        await fresh.gogobe(["backfill"], { killAfterMs: 2_500 });
        await fresh.must(["backfill", "--parallel", "3"]);
        expect(await fresh.exportTables()).toEqual(await pipeline.exportTables());
        const again = JSON.parse(await fresh.must(["backfill", "--json"])) as { loaded: number; before: number };
        expect(again).toMatchObject({ loaded: 0, before: paths.length + 1 });
      } finally {
        await fresh.close();
      }
    },
  );

  test("files retry sends a file through the line again, and nothing changes", async () => {
    const before = await pipeline.exportTables();
    const name = demo.chains[0]?.files[0]?.name ?? "";
    expect(await pipeline.must(["files", "retry", name])).toBe("1 file sent again\n");
    await pipeline.must(["replay", `${demo.chains[0]?.chain.chainId}/`, "--here"]);
    expect(await pipeline.exportTables()).toEqual(before);
    expect(await pipeline.gogobe(["files", "retry"])).toMatchObject({ code: 2 });
    expect(await pipeline.gogobe(["files", "retry", "none.gz"])).toMatchObject({ code: 2 });
  });

  test.skipIf(fleetIsAsked())(`lag, topics and dlq answer on the embedded bus${ON_FLEET}`, async () => {
    const lag = JSON.parse(await pipeline.must(["lag", "--json"])) as { lag: number }[];
    expect(lag.map((row) => row.lag)).toEqual([0, 0, 0, 0, 0]);
    expect(JSON.parse(await pipeline.must(["topics", "--json"]))).toHaveLength(5);
    expect(JSON.parse(await pipeline.must(["dlq", "--json"]))).toEqual([]);
    expect(await pipeline.gogobe(["dlq", "show", "none"])).toMatchObject({ code: 2 });
  });

  test("chains show hides passwords, chains list knows every chain", async () => {
    const chains = JSON.parse(await pipeline.must(["chains", "list", "--json"])) as { chain: string }[];
    expect(chains.length).toBeGreaterThan(30);
    expect(JSON.parse(await pipeline.must(["chains", "show", "shufersal", "--json"]))).toMatchObject({
      key: "shufersal",
    });
    expect(await pipeline.gogobe(["chains", "show", "shufersall"])).toMatchObject({ code: 2 });
  });

  test("doctor finds nothing wrong, and what is wrong when something is", async () => {
    const report = await pipeline.must(["doctor"]);
    expect(report).toContain("Everything that is configured works.");
    // The tests may run on another Node than the pinned one: the command line does too.
    expect(report).toContain(`${process.versions.node} at ${process.execPath}`);
    const { code, stdout } = await pipeline.gogobe(["doctor", "--json"], {
      env: { GOGOBE_LOG_LEVEL: "warn", GOGOBE_RETRY_ATTEMPTS: "many" },
    });
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as { findings: { what: string; state: string }[] }).findings).toContainEqual(
      expect.objectContaining({ what: "settings", state: "wrong" }),
    );
    const unreachable = await pipeline.gogobe(["doctor", "--json"], {
      env: { DATABASE_URL: "postgresql://nobody:secret@127.0.0.1:1/none" },
    });
    expect(unreachable.code).toBe(1);
    expect(unreachable.stdout).not.toContain("secret");
    expect((JSON.parse(unreachable.stdout) as { findings: { what: string; state: string }[] }).findings).toContainEqual(
      expect.objectContaining({ what: "database", state: "wrong" }),
    );
  });
});

describe("wrong usage", () => {
  const nowhere: Record<string, string> = { GOGOBE_HOME: join(tmpdir(), "gogobe-never-made") };
  test.each([
    { args: ["ingset"], says: "Did you mean ingest?" },
    { args: ["run", "--types", "prices"], says: '"prices" is none of' },
    { args: ["run", "--since", "yesterday"], says: "a day such as" },
    { args: ["crawl", "--once", "--since", "2026-08-14", "--until", "2026-08-13"], says: "lies before" },
    { args: ["crawl", "--wait"], says: "--wait goes with --once" },
    { args: ["files", "list", "--status", "lost"], says: "Allowed choices are" },
    { args: ["query"], says: "missing required argument" },
    { args: ["lag", "--watc"], says: "unknown option" },
    { args: ["export"], says: "missing required argument" },
    { args: ["db", "up"], says: "unknown command" },
    { args: ["inspect", "/no/such/file"], says: "cannot be read" },
    { args: [], says: "Usage: gogobe" },
  ])("gogobe $args ends with 2 and says $says", async ({ args, says }) => {
    const pipeline = await createPipeline({ env: nowhere, embedded: true });
    const { code, stdout, stderr } = await pipeline.gogobe(args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe("");
    await rm(pipeline.home, { recursive: true, force: true });
  });
});
