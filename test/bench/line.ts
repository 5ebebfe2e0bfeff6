import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { Database } from "../../shared/database/database.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";
import { openHome } from "./bench-home.ts";
import { type Measure, measure, median } from "./measure.ts";

export interface LineOptions {
  /** Published files, each of `items` items; the first is also loaded alone. */
  paths: readonly [string, ...string[]];
  items: number;
  rounds: number;
  /** Seconds of bare saxes and bare COPY over the first file. */
  bareSeconds: number;
}

/** One `gogobe ingest` in a process of its own, on a home that had nothing in it but the schema. */
interface LineRun {
  /** From the start of the process until the ledger says that so many files are loaded: of one, of two, and so on to all. */
  loadedSeconds: readonly number[];
  /** From its start to its end, the views refreshed and everything closed. */
  endedSeconds: number;
  peakBytes: number;
}

const LOOK_EVERY_MS = 20;
const BYTES_PER_MB = 1_000_000;

/**
 * The whole line: files through the real command line on the embedded default, fresh and migrated each time. The database server runs
 * already, except where the measure says that it is started too.
 */
export async function benchLine({ paths, items, rounds, bareSeconds }: LineOptions): Promise<Measure[]> {
  const singles: LineRun[] = [];
  for (let round = 0; round < rounds; round++) singles.push(await loadBesideServer([paths[0]], items));
  const cold = await loadFromCold(paths[0]);
  const many = await loadBesideServer(paths, items);

  const loaded = median(singles.map((run) => secondsUntil(run, 1)));
  const ended = median(singles.map((run) => run.endedSeconds));
  const peak = median(singles.map((run) => run.peakBytes)) / BYTES_PER_MB;
  const half = Math.floor(paths.length / 2);
  const manyLoaded = secondsUntil(many, paths.length);
  const halfLoaded = secondsUntil(many, half);
  return [
    measure("whole line, start to loaded", "s", loaded, bareSeconds),
    measure("whole line, start to end of the command", "s", ended, bareSeconds),
    measure("whole line, database server started and stopped too", "s", cold.endedSeconds, bareSeconds),
    measure(`${paths.length} files, start to loaded, per file`, "s", manyLoaded / paths.length, loaded),
    measure(`${paths.length} files, the second ${half}`, "s", manyLoaded - halfLoaded, halfLoaded),
    measure("peak memory, one file", "MB", peak, cold.idlePeakBytes / BYTES_PER_MB),
    measure(`peak memory, ${paths.length} files`, "MB", many.peakBytes / BYTES_PER_MB, peak),
  ];
}

async function loadBesideServer(paths: readonly string[], items: number): Promise<LineRun> {
  return withPipeline(async (pipeline) => {
    const database = await openHome(pipeline.home);
    try {
      const stopped = new AbortController();
      const loadedAt = watchLoaded(database, paths.length, stopped.signal);
      const start = performance.now();
      const result = await ingest(pipeline, paths).finally(() => stopped.abort());
      const end = performance.now();
      await expectAll(database.pool, paths.length * items);
      const seen = await loadedAt;
      return {
        loadedSeconds: paths.map((_, index) => ((seen[index] ?? end) - start) / 1000),
        endedSeconds: (end - start) / 1000,
        peakBytes: result.peakMemoryBytes,
      };
    } finally {
      await database.close();
    }
  });
}

/** The same with the server not running. Also tells the peak of a command that loads nothing, which memory is held against. */
async function loadFromCold(path: string): Promise<{ endedSeconds: number; idlePeakBytes: number }> {
  return withPipeline(async (pipeline) => {
    const idle = await pipeline.gogobe(["files", "list", "--json"]);
    const start = performance.now();
    await ingest(pipeline, [path]);
    return { endedSeconds: (performance.now() - start) / 1000, idlePeakBytes: idle.peakMemoryBytes };
  });
}

async function withPipeline<T>(use: (pipeline: Pipeline) => Promise<T>): Promise<T> {
  const pipeline = await createPipeline();
  try {
    await pipeline.must(["migrate"]);
    return await use(pipeline);
  } finally {
    await pipeline.close();
  }
}

async function ingest(pipeline: Pipeline, paths: readonly string[]) {
  const result = await pipeline.gogobe(["ingest", ...paths], { timeoutMs: 1_800_000 });
  if (result.code !== 0) throw new Error(`gogobe ingest ended with ${result.code ?? result.signal}\n${result.stderr}`);
  return result;
}

function secondsUntil(run: LineRun, files: number): number {
  const seconds = run.loadedSeconds[files - 1];
  if (seconds === undefined) throw new RangeError(`${run.loadedSeconds.length} files were loaded, no number ${files}`);
  return seconds;
}

/** When the ledger first showed one file as loaded, two, and so on; short when the command ended before anybody looked. */
async function watchLoaded({ pool }: Database, files: number, signal: AbortSignal): Promise<number[]> {
  const seen: number[] = [];
  while (!signal.aborted && seen.length < files) {
    const { rows } = await pool.query<{ loaded: number }>(
      "SELECT count(*)::int AS loaded FROM files WHERE status = 'loaded'",
    );
    const now = performance.now();
    while (seen.length < (rows[0]?.loaded ?? 0)) seen.push(now);
    await sleep(LOOK_EVERY_MS);
  }
  return seen;
}

/** A measure of work that was not done would look good. */
async function expectAll(pool: Pool, items: number): Promise<void> {
  const { rows } = await pool.query<{ prices: number }>("SELECT count(*)::int AS prices FROM prices");
  if (rows[0]?.prices !== items) throw new Error(`${rows[0]?.prices} of ${items} prices were loaded`);
}
