import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import type { Pool } from "pg";
import { loadConfig } from "../../shared/config.ts";
import type { IngestMessage, ProductRow } from "../../shared/contracts/ingest-messages.ts";
import { BATCH_MAX_ROWS } from "../../shared/contracts/topics.ts";
import { deleteEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";
import { openDatabase } from "../../shared/database/open-database.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { applyBatches } from "../../writer/apply.ts";
import { MIGRATIONS_DIRECTORY } from "../../writer/migrations.ts";
import { prepareFlush } from "../../writer/flush.ts";
import { stageRows } from "../../writer/stage-rows.ts";
import { createTurns } from "../../writer/turns.ts";
import { fileName, messagesOf, product } from "../integration/writer/messages.ts";

/** One measure: a value and what it is held against. */
export interface WriteMeasure {
  measure: string;
  value: number;
  unit: "ms";
  /** The same rows through a bare COPY into an unindexed table, in the same run. */
  baseline: number;
  ratio: number;
}

const FLUSH_BATCHES = 40;
const OVERLAP = 2;

/**
 * Loads a PriceFull of `rows` items into the embedded server with its default settings: first load, the next day with 2 % of the prices
 * changed and 1 % of the items replaced, and the same batches once more.
 */
export async function benchWrite(rows = 100_000): Promise<WriteMeasure[]> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-bench-write-"));
  const log = createLog({ level: "error" });
  const database = await openDatabase(loadConfig({ GOGOBE_HOME: home }), log, {
    migrationsDirectory: MIGRATIONS_DIRECTORY,
  });
  try {
    const first = day("202608140300", rows, 0);
    const next = day("202608150300", rows, 1);
    const baseline = await timeBareCopy(database.pool, first);
    const measures: WriteMeasure[] = [];
    for (const [measure, messages] of [
      ["write first load", first],
      ["write next day", next],
      ["write same batches again", next],
    ] as const) {
      const value = await timeOf(() => load(database.pool, messages));
      measures.push({ measure, value, unit: "ms", baseline, ratio: Math.round((100 * value) / baseline) / 100 });
    }
    return measures;
  } finally {
    await database.close();
    await deleteEmbeddedPostgres(home);
    await rm(home, { recursive: true, force: true });
  }
}

async function load(db: Pool, messages: readonly IngestMessage[]): Promise<void> {
  const deps = { log: createLog({ level: "error" }), metrics: createMetrics(), inTurn: createTurns() };
  const flushes: IngestMessage[][] = [];
  for (let at = 0; at < messages.length; at += FLUSH_BATCHES) flushes.push(messages.slice(at, at + FLUSH_BATCHES));
  const next = async (): Promise<void> => {
    for (let flush = flushes.shift(); flush; flush = flushes.shift()) await applyBatches(db, flush, deps);
  };
  await Promise.all(Array.from({ length: OVERLAP }, next));
}

async function timeBareCopy(db: Pool, messages: readonly IngestMessage[]): Promise<number> {
  const chunks = stageRows(prepareFlush(messages)).get("stage_products") ?? [];
  const client = await db.connect();
  try {
    await client.query(`CREATE TABLE bare_copy (batch_no integer, line integer, code text, price numeric, unit_price numeric,
      updated_at timestamptz, gtin text, master_id bigint, master_key text, method text, confidence real, name text, manufacturer text,
      country text, unit text, quantity numeric, weighted boolean)`);
    const took = await timeOf(() =>
      pipeline(Readable.from(chunks), client.query(copyFrom("COPY bare_copy FROM STDIN"))),
    );
    await client.query("DROP TABLE bare_copy");
    return took;
  } finally {
    client.release();
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return Math.round(performance.now() - started);
}

/** One day's full file: on day 1, every 50th price has changed, and every 100th item made room for a new one. */
function day(stamp: string, count: number, number: 0 | 1): IngestMessage[] {
  const rows: ProductRow[] = Array.from({ length: count }, (_, index) => {
    const replaced = number === 1 && index % 100 === 99;
    const code = String(7_290_000_000_000 + (replaced ? count + index : index) * 17);
    const price = (100 + (index % 9000) + (number === 1 && index % 50 === 7 ? 10 : 0)) / 100;
    return product(code, price.toFixed(2), index + 1, {
      name: `מוצר לדוגמה מספר ${index}`,
      manufacturerName: `יצרן ${index % 300}`,
      country: "IL",
      unit: "g",
      quantity: String(100 + (index % 10) * 50),
      unitPrice: (price / 3).toFixed(4),
      updatedAt: "2026-08-01T10:00:00+03:00",
      weighted: index % 20 === 0,
    });
  });
  return messagesOf({ name: fileName("PriceFull", "001", stamp), rows, batchRows: BATCH_MAX_ROWS });
}
