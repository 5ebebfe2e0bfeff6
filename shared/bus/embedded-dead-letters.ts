import type { DeadLetter } from "./bus.ts";
import { withoutFailureHeaders } from "./dead-letter.ts";
import type { EmbeddedDatabase } from "./embedded-database.ts";
import type { EmbeddedQueue } from "./embedded-queue.ts";
import { BUS_SCHEMA } from "./embedded-schema.ts";
import { unpackValue } from "./payload-codec.ts";

interface Row {
  number: string;
  id: string;
  key: string;
  headers: Record<string, string>;
  packed: boolean;
  bytes: number;
  body: Buffer;
}

const LIST_LIMIT = 100;
/** Dead letters replayed in one transaction: few, because each may be 8 MB. */
const REPLAY_AT_ONCE = 20;

/** The dead letters of every topic, kept until they are replayed. */
export class EmbeddedDeadLetters {
  readonly #database: EmbeddedDatabase;
  readonly #queue: EmbeddedQueue;

  constructor(database: EmbeddedDatabase, queue: EmbeddedQueue) {
    this.#database = database;
    this.#queue = queue;
  }

  /** Oldest first. */
  async list(topic: string, options: { limit?: number; ids?: readonly string[] } = {}): Promise<DeadLetter[]> {
    const { ids, limit = ids?.length ?? LIST_LIMIT } = options;
    const { rows } = await this.#database.pool.query<Row>(
      `SELECT id, key, headers, packed, body FROM ${BUS_SCHEMA}.dead_letters
       WHERE topic = $1 AND ($3::text[] IS NULL OR id::text = ANY ($3)) ORDER BY number LIMIT $2`,
      [topic, limit, ids ?? null],
    );
    return rows.map(({ id, key, headers, packed, body }) => ({
      id,
      topic,
      key,
      headers,
      value: readable(body, packed),
    }));
  }

  /** Publishes them again in the transaction that takes them off the list. Two replays at once share the work. */
  async replay(topic: string, groups: readonly string[], ids?: string[]): Promise<number> {
    const last = await this.#lastNumber(topic);
    let replayed = 0;
    for (;;) {
      const count = await this.#database.transaction(async (tx) => {
        const { rows } = await tx.query<Row>(
          `DELETE FROM ${BUS_SCHEMA}.dead_letters WHERE (topic, id) IN (
             SELECT topic, id FROM ${BUS_SCHEMA}.dead_letters
             WHERE topic = $1 AND number <= $4 AND ($2::text[] IS NULL OR id::text = ANY ($2))
             ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED)
           RETURNING number, key, headers, packed, bytes, body`,
          [topic, ids ?? null, REPLAY_AT_ONCE, last],
        );
        rows.sort((a, b) => Number(a.number) - Number(b.number));
        const messages = rows.map((row) => ({ ...row, headers: withoutFailureHeaders(row.headers) }));
        if (messages.length > 0) await this.#queue.addWithin(tx, topic, groups, messages);
        return rows.length;
      });
      if (count === 0) return replayed;
      replayed += count;
    }
  }

  /** What fails again while it is replayed gets a higher number: one replay does not chase its own tail. */
  async #lastNumber(topic: string): Promise<string> {
    const { rows } = await this.#database.pool.query<{ last: string }>(
      `SELECT coalesce(max(number), 0) AS last FROM ${BUS_SCHEMA}.dead_letters WHERE topic = $1`,
      [topic],
    );
    return rows[0]?.last ?? "0";
  }
}

/** A dead letter may be there because it is not JSON: then its text is shown. */
function readable(body: Buffer, packed: boolean): unknown {
  try {
    return unpackValue(body, packed);
  } catch {
    return body.toString("utf8");
  }
}
