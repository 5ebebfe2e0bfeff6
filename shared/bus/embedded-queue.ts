import { randomBytes } from "node:crypto";
import type { JobInsert, PgBoss } from "pg-boss";
import type { EmbeddedDatabase, Transaction } from "./embedded-database.ts";
import { BUS_SCHEMA, LOCK_OF_INSTANCE, LOCK_OF_QUEUE, positionsOf, queueOf } from "./embedded-schema.ts";
import { CHANNEL } from "./embedded-session.ts";
import { type PackedPayload, unpackValue } from "./payload-codec.ts";
import type { HeldMessage, LoadedValue } from "./message-source.ts";

/** A message that this process has claimed. */
export interface ClaimedMessage extends HeldMessage {
  readonly id: string;
}

export interface PackedMessage extends PackedPayload {
  key: string;
  headers: Record<string, string>;
}

/** What pg-boss keeps of a message; the bytes are in our own table. */
interface JobData {
  key: string;
  headers: Record<string, string>;
  bytes: number;
}

type Job = JobInsert<JobData> & { id: string };

const PRIORITIES = 2 ** 32;
const HIGHEST_PRIORITY = 2 ** 31 - 1;

/**
 * Statements of the embedded queue, each for many messages at once. Position in the topic decides everything: the id of a message
 * begins with it, and pg-boss takes the highest priority first, which is the lowest position. So a message that comes back after a
 * crash is in its old place.
 */
export class EmbeddedQueue {
  readonly #database: EmbeddedDatabase;
  readonly #boss: PgBoss;

  constructor(database: EmbeddedDatabase, boss: PgBoss) {
    this.#database = database;
    this.#boss = boss;
  }

  /** Adds messages for every group, in one transaction. */
  async add(topic: string, groups: readonly string[], messages: PackedMessage[]): Promise<void> {
    // Ids are made once, so that a repeated transaction adds nothing twice.
    const jobs: Job[] = [];
    await this.#database.transaction(async (tx) => {
      if (jobs.length === 0) jobs.push(...(await this.#jobs(tx, topic, messages)));
      await this.#insert(tx, topic, groups, messages, jobs);
    });
  }

  /** The same inside a transaction of the caller. */
  async addWithin(tx: Transaction, topic: string, groups: readonly string[], messages: PackedMessage[]): Promise<void> {
    await this.#insert(tx, topic, groups, messages, await this.#jobs(tx, topic, messages));
  }

  async #insert(
    tx: Transaction,
    topic: string,
    groups: readonly string[],
    messages: PackedMessage[],
    jobs: Job[],
  ): Promise<void> {
    for (const group of groups) {
      const queue = queueOf(topic, group);
      const values: unknown[] = [queue, CHANNEL];
      const rows = messages.map(({ packed, body }, index) => {
        const at = values.push(jobs[index]?.id, packed, body);
        return `($1, $${at - 2}::uuid, $${at - 1}::boolean, $${at}::bytea)`;
      });
      // Equal notifications of one transaction are sent once, when it commits.
      await tx.query(
        `INSERT INTO ${BUS_SCHEMA}.payloads (queue, id, packed, body) VALUES ${rows.join(",")}
         ON CONFLICT DO NOTHING RETURNING pg_notify($2, $1)`,
        values,
      );
      await this.#boss.insert(queue, jobs, { db: tx.boss });
    }
  }

  async #jobs(tx: Transaction, topic: string, messages: PackedMessage[]): Promise<Job[]> {
    const { rows } = await tx.query<{ position: string }>(
      `SELECT nextval($1::regclass) AS position FROM generate_series(1, $2)`,
      [positionsOf(topic), messages.length],
    );
    const positions = rows.map((row) => BigInt(row.position)).sort((a, b) => (a < b ? -1 : 1));
    return messages.map(({ key, headers, bytes }, index) => jobOf(positions[index] ?? 0n, { key, headers, bytes }));
  }

  /**
   * Takes up to `limit` messages for this instance, oldest first. Serial: one of each key, and none of a key that any process holds;
   * claims of one queue then take turns, or two processes could each see a key free.
   * Not repeated after an outage: what it may have taken unseen is for `giveBackExcept`.
   */
  async claim(queue: string, instance: number, limit: number, serial: boolean): Promise<ClaimedMessage[]> {
    return await this.#database.transaction(async (tx) => {
      if (serial) await tx.query("SELECT pg_advisory_xact_lock($1, hashtext($2))", [LOCK_OF_QUEUE, queue]);
      const jobs = await this.#boss.fetch<JobData>(queue, {
        batchSize: limit,
        db: tx.boss,
        ...(serial ? { groupConcurrency: 1 } : {}),
      });
      if (jobs.length === 0) return [];
      await tx.query(`UPDATE ${BUS_SCHEMA}.payloads SET owner = $1 WHERE queue = $2 AND id = ANY ($3::uuid[])`, [
        instance,
        queue,
        jobs.map((job) => job.id),
      ]);
      return jobs
        .map(({ id, data }) => ({ id, key: data.key, headers: data.headers, bytes: data.bytes }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    }, 0);
  }

  /** The values of claimed messages, in the same order. */
  async load(queue: string, messages: readonly ClaimedMessage[]): Promise<LoadedValue[]> {
    const rows = await this.#database.transaction(async (tx) => {
      const result = await tx.query<{ id: string; packed: boolean; body: Buffer }>(
        `SELECT id, packed, body FROM ${BUS_SCHEMA}.payloads WHERE queue = $1 AND id = ANY ($2::uuid[])`,
        [queue, messages.map((message) => message.id)],
      );
      return result.rows;
    });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return messages.map(({ id }) => {
      const row = byId.get(id);
      if (row === undefined) return { error: new Error(`message ${id} of ${queue} is gone`) };
      try {
        return { value: unpackValue(row.body, row.packed) };
      } catch (error) {
        return { error: error instanceof Error ? error : new Error(String(error)) };
      }
    });
  }

  /** Takes messages off the queue, as far as this instance still holds them. */
  async remove(queue: string, instance: number, ids: string[]): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `DELETE FROM ${BUS_SCHEMA}.payloads WHERE queue = $1 AND id = ANY ($2::uuid[]) AND owner = $3 RETURNING id`,
        [queue, ids, instance],
      );
      if (rows.length > 0)
        await this.#boss.deleteJob(
          queue,
          rows.map((row) => row.id),
          { db: tx.boss },
        );
    });
  }

  /** Gives messages back, each in its old place, as far as this instance still holds them. */
  async giveBack(queue: string, instance: number, ids: string[]): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<{ queue: string; id: string }>(
        `UPDATE ${BUS_SCHEMA}.payloads SET owner = NULL WHERE queue = $1 AND id = ANY ($2::uuid[]) AND owner = $3
         RETURNING queue, id, pg_notify($4, queue)`,
        [queue, ids, instance, CHANNEL],
      );
      await this.#makeWaiting(tx, rows);
    });
  }

  /** Gives back what this instance holds besides the messages named: claims whose answer got lost, work that was dropped. */
  async giveBackExcept(queue: string, instance: number, known: string[]): Promise<void> {
    const { rows } = await this.#database.pool.query<{ id: string }>(
      `SELECT id FROM ${BUS_SCHEMA}.payloads WHERE queue = $1 AND owner = $2 AND id <> ALL ($3::uuid[])`,
      [queue, instance, known],
    );
    if (rows.length === 0) return;
    await this.giveBack(
      queue,
      instance,
      rows.map((row) => row.id),
    );
  }

  /** Gives back everything that a dead instance held. Does nothing while that instance lives. Returns how many. */
  async giveBackOf(instance: number): Promise<number> {
    return await this.#database.transaction(async (tx) => {
      const lock = await tx.query<{ dead: boolean }>(`SELECT pg_try_advisory_xact_lock($1, $2) AS dead`, [
        LOCK_OF_INSTANCE,
        instance,
      ]);
      if (lock.rows[0]?.dead !== true) return 0;
      const { rows } = await tx.query<{ queue: string; id: string }>(
        `UPDATE ${BUS_SCHEMA}.payloads SET owner = NULL WHERE owner = $1 RETURNING queue, id, pg_notify($2, queue)`,
        [instance, CHANNEL],
      );
      await this.#makeWaiting(tx, rows);
      return rows.length;
    });
  }

  async #makeWaiting(tx: Transaction, rows: { queue: string; id: string }[]): Promise<void> {
    for (const [queue, group] of Map.groupBy(rows, (row) => row.queue)) {
      const ids = group.map((row) => row.id);
      await this.#boss.cancel(queue, ids, { db: tx.boss });
      await this.#boss.resume(queue, ids, { db: tx.boss });
    }
  }

  /** Copies a held message to the dead letters. Harmless to repeat. */
  async bury(topic: string, queue: string, message: ClaimedMessage, headers: Record<string, string>): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO ${BUS_SCHEMA}.dead_letters (topic, id, key, headers, packed, bytes, body)
         SELECT $1, id, $4, $5, packed, $6, body FROM ${BUS_SCHEMA}.payloads WHERE queue = $2 AND id = $3
         ON CONFLICT (topic, id) DO UPDATE SET headers = EXCLUDED.headers`,
        [topic, queue, message.id, message.key, JSON.stringify(headers), message.bytes],
      );
    });
  }
}

function jobOf(position: bigint, data: JobData): Job {
  return {
    id: idOf(position),
    data,
    group: { id: data.key === "" ? "-" : data.key },
    priority: HIGHEST_PRIORITY - Number(position % BigInt(PRIORITIES)),
  };
}

/** A UUID that sorts by position. */
function idOf(position: bigint): string {
  const digits = position.toString(16).padStart(16, "0") + randomBytes(8).toString("hex");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
