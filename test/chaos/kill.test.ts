import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { createRandom } from "../fixtures/random.ts";
import { expectDemoTruth } from "../helpers/demo-truth.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";
import type { Failpoint } from "../../shared/failpoints.ts";

/** The moments of architecture §3.6, each with the process alone and with its PostgreSQL. */
const MOMENTS: { what: string; failpoint: Failpoint }[] = [
  { what: "the ledger is written but nothing is published", failpoint: "crawler:ledger-written" },
  { what: "files are published but not marked", failpoint: "crawler:published" },
  { what: "an object is stored but not published", failpoint: "downloader:object-stored" },
  { what: "a download is published but not acknowledged", failpoint: "downloader:published" },
  { what: "batches of a file are published but not its end", failpoint: "parser:batch-published" },
  { what: "a parsed file is published but not acknowledged", failpoint: "parser:published" },
  { what: "rows are in the middle of COPY", failpoint: "writer:copying" },
  { what: "a transaction is committed but not acknowledged", failpoint: "writer:committed" },
];
const RANDOM_KILLS = Number(process.env["GOGOBE_CHAOS_KILLS"] ?? 20);
const seed = process.env["GOGOBE_CHAOS_SEED"] ?? String(Date.now());

describe(`kill -9, then start again (GOGOBE_CHAOS_SEED=${seed})`, () => {
  let demo: Demo;
  let portals: DemoPortals;
  let args: string[];
  let undisturbed: Map<string, string>;
  let undisturbedMs: number;
  const open = () => createPipeline({ chains: portals.chainOverrides() });

  beforeAll(async () => {
    demo = createDemo({ seed: "chaos", products: 120 });
    portals = await startDemoPortals(demo);
    portals.publishUntil(demo.days[1]);
    args = ["run", "--once", "--chains", portals.keys.join(","), "--since", demo.days[0]];
    const pipeline = await open();
    try {
      await pipeline.must(["migrate"]);
      const began = Date.now();
      await pipeline.must(args);
      undisturbedMs = Date.now() - began;
      await expectDemoTruth(pipeline, demo.truth);
      undisturbed = await pipeline.exportTables();
    } finally {
      await pipeline.close();
    }
  });
  afterAll(() => portals.close());

  async function expectUndisturbed(pipeline: Pipeline): Promise<void> {
    await pipeline.must(args);
    await expectDemoTruth(pipeline, demo.truth);
    expect(await pipeline.exportTables()).toEqual(undisturbed);
  }

  test.each(MOMENTS.map((moment, index) => ({ ...moment, withServer: index % 2 === 0 })))(
    "while $what (PostgreSQL killed too: $withServer)",
    async ({ failpoint, withServer }) => {
      const pipeline = await open();
      try {
        const killed = await pipeline.gogobe(args, { env: { GOGOBE_FAILPOINT: failpoint } });
        expect(killed.signal, killed.stderr).toBe("SIGKILL");
        if (withServer) await killPostgres(pipeline);
        await expectUndisturbed(pipeline);
      } finally {
        await pipeline.close();
      }
    },
  );

  test(`at ${RANDOM_KILLS} random moments, every other time with PostgreSQL`, async () => {
    const random = createRandom(`kills/${seed}`);
    let kills = 0;
    let pipeline = await open();
    try {
      while (kills < RANDOM_KILLS) {
        const killAfterMs = random.int(300, Math.max(600, undisturbedMs));
        const result = await pipeline.gogobe(args, { killAfterMs });
        if (result.signal === "SIGKILL") {
          kills += 1;
          if (kills % 2 === 0) await killPostgres(pipeline);
          continue;
        }
        // The load was over before the moment came: it must be right, and the next kills meet an empty home again.
        expect(result.code, result.stderr).toBe(0);
        await expectDemoTruth(pipeline, demo.truth);
        expect(await pipeline.exportTables()).toEqual(undisturbed);
        await pipeline.close();
        pipeline = await open();
      }
      await expectUndisturbed(pipeline);
    } finally {
      await pipeline.close();
    }
  });
});

/** SIGKILL for the server of a pipeline, wherever it has come to. Its children die with it. */
async function killPostgres(pipeline: Pipeline): Promise<void> {
  const file = await readFile(join(pipeline.home, "postgres/postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(file.split("\n")[0]);
  if (!(pid > 1)) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
