import type { Pool } from "pg";
import type { Bus, OutgoingMessage } from "../../shared/bus/bus.ts";
import { openEmbeddedBus } from "../../shared/bus/embedded-bus.ts";
import { GROUPS, TOPICS } from "../../shared/contracts/topics.ts";
import type { Database } from "../../shared/database/database.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { type Measure, measure, median, secondsOf } from "./measure.ts";

const PUBLISHED_AT_ONCE = 8;
const CALL = 40;

/**
 * Batches of a PriceFull, of about 156 KB each, through the embedded bus: in as the parser publishes them, out as the writer takes
 * them. The baseline is the same JSON through plain statements on a table of text, kept out of line and uncompressed.
 */
export async function benchBus(database: Database, messageCount: number, rounds: number): Promise<Measure[]> {
  const messages = Array.from({ length: messageCount }, (_, index) => batch(index));
  const plainIn: number[] = [];
  const plainOut: number[] = [];
  const busIn: number[] = [];
  const busOut: number[] = [];
  const bus = await openEmbeddedBus({
    pool: database.pool,
    databaseUrl: database.url,
    log: createLog({ level: "error" }),
    metrics: createMetrics(),
  });
  try {
    for (let round = 0; round < rounds; round++) {
      const plain = await benchPlain(database.pool, messages);
      plainIn.push(plain.inSeconds);
      plainOut.push(plain.outSeconds);
      busIn.push(await secondsOf(() => publishAll(bus, messages)));
      busOut.push(await secondsOf(() => consumeAll(bus, messageCount)));
    }
  } finally {
    await bus.close();
  }
  const perSecond = (seconds: number[]) => messageCount / median(seconds);
  return [
    measure("bus in", "messages/s", perSecond(busIn), perSecond(plainIn)),
    measure("bus out", "messages/s", perSecond(busOut), perSecond(plainOut)),
  ];
}

async function publishAll(bus: Bus, messages: OutgoingMessage[]): Promise<void> {
  for (let start = 0; start < messages.length; start += PUBLISHED_AT_ONCE) {
    await bus.publish(TOPICS.products, messages.slice(start, start + PUBLISHED_AT_ONCE));
  }
}

async function consumeAll(bus: Bus, count: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let seen = 0;
  const consumer = await bus.consume({
    topic: TOPICS.products,
    group: GROUPS.writer,
    concurrency: 2,
    maxBatch: CALL,
    lingerMs: 5,
    serialKeys: false,
    stage: "bench",
    retry: { attempts: 1, initialDelayMs: 1, maxDelayMs: 1 },
    handler: async (deliveries) => {
      seen += deliveries.length;
      if (seen === count) all.resolve();
    },
  });
  await all.promise;
  await consumer.stop();
}

/** What the same bytes cost without a queue: INSERT of as many at once, then read, parse and delete as many at once. */
async function benchPlain(pool: Pool, messages: OutgoingMessage[]): Promise<{ inSeconds: number; outSeconds: number }> {
  await pool.query("CREATE TABLE bench_plain (id integer PRIMARY KEY, value text NOT NULL)");
  await pool.query("ALTER TABLE bench_plain ALTER COLUMN value SET STORAGE EXTERNAL");
  const inSeconds = await secondsOf(async () => {
    for (let start = 0; start < messages.length; start += PUBLISHED_AT_ONCE) {
      const some = messages.slice(start, start + PUBLISHED_AT_ONCE);
      const rows = some.map((_, index) => `(${start + index}, $${index + 1})`);
      await pool.query(
        `INSERT INTO bench_plain VALUES ${rows.join(",")}`,
        some.map((message) => JSON.stringify(message.value)),
      );
    }
  });
  const outSeconds = await secondsOf(async () => {
    for (let start = 0; start < messages.length; start += CALL) {
      const { rows } = await pool.query<{ value: string }>("SELECT value FROM bench_plain WHERE id >= $1 AND id < $2", [
        start,
        start + CALL,
      ]);
      for (const row of rows) JSON.parse(row.value);
      await pool.query("DELETE FROM bench_plain WHERE id >= $1 AND id < $2", [start, start + CALL]);
    }
  });
  await pool.query("DROP TABLE bench_plain");
  return { inSeconds, outSeconds };
}

const NAMES = [
  "חלב תנובה 3% בקרטון",
  "לחם אחיד פרוס",
  "קוטג' 5%",
  "ביצים L תבנית 12",
  "עגבניות שרי",
  "שוקולד מריר 70%",
];

/** A batch of 500 invented items, about 156 KB of JSON. */
function batch(index: number): OutgoingMessage {
  const items = Array.from({ length: 500 }, (_, row) => {
    const number = (index * 500 + row) * 2_654_435_761;
    const ean = String(7_290_000_000_000 + (number % 9_999_999));
    return {
      ean,
      price: (number % 9_000) / 100,
      master_id: Number(ean),
      master_method: "barcode",
      master_confidence: 1,
      itemCode: ean,
      name: `${NAMES[row % NAMES.length]} ${number % 977}`,
      manufacturer: `יצרן ${number % 211}`,
      country: "IL",
      unit: "100 גרם",
      quantity: number % 1_000,
      unitPrice: (number % 1_234) / 10,
      weighted: false,
      updatedAt: "2026-08-14T03:00:00+03:00",
    };
  });
  return { key: "bench:7290000000001:1", value: { batch_id: index, items } };
}
