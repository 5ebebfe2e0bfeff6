import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Pool } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { IngestMessage, ProductRow } from "../../shared/contracts/ingest-messages.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { applyBatches } from "../../writer/apply.ts";
import { prepareFlush } from "../../writer/flush.ts";
import { stageRows } from "../../writer/stage-rows.ts";
import { ensureStaging } from "../../writer/staging.ts";
import { createTurns } from "../../writer/turns.ts";
import { withCheckDigit } from "../fixtures/gtin.ts";
import { masterTag } from "../integration/writer/messages.ts";
import { type Measure, measure, median, secondsOf } from "./measure.ts";
import { parseSubject } from "./read.ts";
import { onNextDay, type Subject } from "./subject.ts";

/** As the writer takes them from the bus. */
const FLUSH_BATCHES = 40;
const OVERLAP = 2;

export interface WriteResult {
  measures: Measure[];
  bareCopySeconds: number;
}

/**
 * The writer on the batches of one file, held against a bare COPY of the same rows into a table without indexes: first load, the next
 * day with 2 % of the prices changed and 1 % of the items replaced, and that day once more. `db` has none of it yet.
 */
export async function benchWrite(db: Pool, subject: Subject, rounds: number): Promise<WriteResult> {
  const first = await parseSubject(subject);
  const next = changed(await parseSubject(onNextDay(subject)), subject.file.chain);
  const copies: number[] = [];
  for (let round = 0; round < rounds; round++) copies.push(await bareCopySeconds(db, first));
  const bareCopy = median(copies);
  const perSecond = (seconds: number) => subject.items / seconds;
  const measures = [measure("bare COPY", "rows/s", perSecond(bareCopy), perSecond(bareCopy))];
  for (const [name, messages] of [
    ["write, first load", first],
    ["write, next day", next],
    ["write, same day again", next],
  ] as const) {
    const seconds = await secondsOf(() => load(db, messages));
    measures.push(measure(name, "rows/s", perSecond(seconds), perSecond(bareCopy)));
  }
  return { measures, bareCopySeconds: bareCopy };
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

async function bareCopySeconds(db: Pool, messages: readonly IngestMessage[]): Promise<number> {
  const chunks = stageRows(prepareFlush(messages)).get("stage_products") ?? [];
  const client = await db.connect();
  try {
    await ensureStaging(client);
    await client.query("CREATE TABLE bare_copy (LIKE stage_products)");
    const seconds = await secondsOf(() =>
      pipeline(Readable.from(chunks), client.query(copyFrom("COPY bare_copy FROM STDIN"))),
    );
    await client.query("DROP TABLE bare_copy");
    return seconds;
  } finally {
    client.release();
  }
}

/** The day after: every 50th price has changed, and every 100th item made room for a new one. */
function changed(messages: readonly IngestMessage[], chain: string): IngestMessage[] {
  return messages.map((message) => ({
    ...message,
    items: (message.items as ProductRow[]).map((row) => {
      if (row.line % 100 === 99)
        return { ...row, ...masterTag(withCheckDigit(`72903${String(row.line).padStart(7, "0")}`), chain) };
      return row.line % 50 === 7 ? { ...row, price: (Number(row.price) + 0.1).toFixed(2) } : row;
    }),
  })) as IngestMessage[];
}
