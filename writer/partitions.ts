import type pg from "pg";

/** Class and key of the advisory lock under which partitions are made. */
const PARTITION_LOCK = "7202, 0";

const known = new WeakMap<pg.Pool, Set<string>>();

/**
 * Makes the monthly partitions of `price_history` that hold these moments, before a transaction needs them. A month ends at UTC midnight
 * whatever the session's time zone. The partition is made apart and attached, which keeps no reader or writer waiting.
 */
export async function ensurePartitions(db: pg.Pool, moments: readonly string[]): Promise<void> {
  const made = known.get(db) ?? new Set();
  known.set(db, made);
  const missing = new Set(
    moments.map((moment) => new Date(moment).toISOString().slice(0, 7)).filter((month) => !made.has(month)),
  );
  for (const month of [...missing].sort()) {
    await makePartition(db, month);
    made.add(month);
  }
}

async function makePartition(db: pg.Pool, month: string): Promise<void> {
  const [from, to] = monthBounds(month);
  const table = `price_history_${month.replace("-", "_")}`;
  const client = await db.connect();
  try {
    await client.query("BEGIN");
    await client.query(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`);
    const { rows } = await client.query("SELECT to_regclass($1) IS NOT NULL AS made", [table]);
    if (!rows[0]?.made) {
      await client.query(`CREATE TABLE ${table} (LIKE price_history INCLUDING ALL)`);
      await client.query(
        `ALTER TABLE price_history ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`,
      );
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** First moment of a month `yyyy-mm` and of the next, in UTC. */
export function monthBounds(month: string): [from: string, to: string] {
  const start = new Date(`${month}-01T00:00:00Z`);
  const end = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1));
  const text = (date: Date) => date.toISOString().replace("T", " ").replace(".000Z", "+00");
  return [text(start), text(end)];
}
