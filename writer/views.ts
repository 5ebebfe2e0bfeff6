import type { Pool, PoolClient } from "pg";
import { settleMasters } from "./settle-masters.ts";

/** Class and key of the advisory lock of refreshes: one process at a time. */
const REFRESH_LOCK = "7203, 0";

const VIEWS = ["cheapest_now", "chain_price_index", "store_coverage"] as const;

export interface RefreshOptions {
  /** Refresh now, whoever did it last, and wait for a refresh that is under way. */
  force?: boolean;
  /** Without force: not sooner than this after the last one of any process. */
  leastSeconds?: number;
}

/**
 * Settles the wording of master products and refreshes the materialized views, without keeping readers waiting. Coalesced over all processes.
 * Returns false when another process does it now, or did so less than `leastSeconds` ago.
 */
export async function refreshViews(
  db: Pool,
  { force = false, leastSeconds = 0 }: RefreshOptions = {},
): Promise<boolean> {
  const client = await db.connect();
  let locked = false;
  let broken: Error | undefined;
  try {
    locked = await lock(client, force);
    if (!locked || (!force && (await isFresh(client, leastSeconds)))) return false;
    const { rows } = await client.query<{ now: Date }>("SELECT clock_timestamp() AS now");
    // Right after a first load the tables have no statistics yet, and a plan made without them can take minutes.
    await client.query("ANALYZE stores, items, prices, product_master_links, master_products");
    await settleMasters(client);
    for (const view of VIEWS) await refresh(client, view);
    await client.query(
      `INSERT INTO maintenance (name, done_at) VALUES ('views', $1) ON CONFLICT (name) DO UPDATE SET done_at = EXCLUDED.done_at`,
      [rows[0]?.now],
    );
    return true;
  } finally {
    if (locked)
      await client.query(`SELECT pg_advisory_unlock(${REFRESH_LOCK})`).catch((error: unknown) => {
        // A session that may still hold the lock must not go back to the pool.
        broken = error instanceof Error ? error : new Error(String(error));
      });
    client.release(broken);
  }
}

/**
 * Each in a transaction of its own. The views read whole tables: with memory to count in, compiled by nobody, and joined by hashing (the
 * planner takes the stores heard of lately for few, and would look up every row of theirs).
 */
async function refresh(client: PoolClient, view: (typeof VIEWS)[number]): Promise<void> {
  await client.query(
    `BEGIN; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL enable_nestloop = off; REFRESH MATERIALIZED VIEW CONCURRENTLY ${view}; COMMIT`,
  );
}

async function lock(client: PoolClient, wait: boolean): Promise<boolean> {
  if (wait) {
    await client.query(`SELECT pg_advisory_lock(${REFRESH_LOCK})`);
    return true;
  }
  const { rows } = await client.query<{ got: boolean }>(`SELECT pg_try_advisory_lock(${REFRESH_LOCK}) AS got`);
  return rows[0]?.got ?? false;
}

async function isFresh(client: PoolClient, leastSeconds: number): Promise<boolean> {
  const { rows } = await client.query<{ fresh: boolean }>(
    `SELECT done_at > clock_timestamp() - make_interval(secs => $1) AS fresh FROM maintenance WHERE name = 'views'`,
    [leastSeconds],
  );
  return rows[0]?.fresh ?? false;
}
