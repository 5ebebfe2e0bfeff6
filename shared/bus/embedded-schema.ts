import { createHash } from "node:crypto";
import type pg from "pg";
import { PgBoss } from "pg-boss";
import type { Log } from "../observability/log.ts";
import type { EmbeddedDatabase } from "./embedded-database.ts";
import type { TopicTable } from "./topic-table.ts";

/** pg-boss keeps the state of each message here: waiting or held. */
export const BOSS_SCHEMA = "gogobe_queue";
/** Ours: the bytes of each message, who holds it, and the dead letters. */
export const BUS_SCHEMA = "gogobe_bus";
/** First key of the advisory locks: one per living bus, one per queue while messages are claimed, one for set-up. */
export const LOCK_OF_INSTANCE = 0x676f_6201;
export const LOCK_OF_QUEUE = 0x676f_6202;
const LOCK_OF_SETUP = 0x676f_6203;

// Values are kept out of line and as they are: PostgreSQL's own compression of a 150 KB value costs three times the insert.
const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS ${BUS_SCHEMA};
  CREATE SEQUENCE IF NOT EXISTS ${BUS_SCHEMA}.instances AS integer CYCLE;
  CREATE TABLE IF NOT EXISTS ${BUS_SCHEMA}.payloads (
    queue text NOT NULL,
    id uuid NOT NULL,
    owner integer,
    packed boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (queue, id)
  );
  ALTER TABLE ${BUS_SCHEMA}.payloads ALTER COLUMN body SET STORAGE EXTERNAL;
  CREATE INDEX IF NOT EXISTS payloads_owner ON ${BUS_SCHEMA}.payloads (owner) WHERE owner IS NOT NULL;
  CREATE TABLE IF NOT EXISTS ${BUS_SCHEMA}.dead_letters (
    topic text NOT NULL,
    id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    headers jsonb NOT NULL,
    packed boolean NOT NULL,
    bytes integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (topic, id)
  );
  ALTER TABLE ${BUS_SCHEMA}.dead_letters ALTER COLUMN body SET STORAGE EXTERNAL;`;

/** pg-boss's name for what one consumer group reads of one topic. */
export function queueOf(topic: string, group: string): string {
  return `${topic}/${group}`;
}

/** Sequence that numbers the messages of a topic, quoted. */
export function positionsOf(topic: string): string {
  return `${BUS_SCHEMA}."positions_${createHash("md5").update(topic).digest("hex")}"`;
}

/** A pg-boss that only keeps the queues: no timers of its own, no expiry (a file may take hours), nothing deleted behind our back. */
export async function startBoss(database: EmbeddedDatabase, log: Log): Promise<PgBoss> {
  const boss = new PgBoss({
    db: database.boss,
    schema: BOSS_SCHEMA,
    supervise: false,
    schedule: false,
    registerInstance: false,
    migrate: true,
    createSchema: true,
  });
  boss.on("error", (error) => log.warn({ err: error }, "pg-boss reports an error"));
  await boss.start();
  return boss;
}

/** Creates what is missing, one process at a time. */
export async function ensureSchema(pool: pg.Pool, boss: PgBoss, topics: TopicTable): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1, 0)", [LOCK_OF_SETUP]);
    const { rows } = await client.query<{ present: boolean }>(
      `SELECT to_regclass('${BUS_SCHEMA}.dead_letters') IS NOT NULL AS present`,
    );
    if (rows[0]?.present !== true) await client.query(SCHEMA);
    const known = new Set((await boss.getQueues()).map((queue) => queue.name));
    for (const [topic, groups] of topics) {
      const missing = groups.filter((group) => !known.has(queueOf(topic, group)));
      if (missing.length === 0) continue;
      await client.query(`CREATE SEQUENCE IF NOT EXISTS ${positionsOf(topic)}`);
      for (const group of missing) await boss.createQueue(queueOf(topic, group), { retryLimit: 0 });
    }
  } finally {
    await client.query("SELECT pg_advisory_unlock($1, 0)", [LOCK_OF_SETUP]).catch(() => undefined);
    client.release();
  }
}
