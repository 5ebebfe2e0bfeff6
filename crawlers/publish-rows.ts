import type pg from "pg";
import type { Bus } from "../shared/bus/bus.ts";
import { messageKeyOf } from "../shared/contracts/file-identity.ts";
import type { FileIdentity } from "../shared/contracts/file-messages.ts";
import type { Topic } from "../shared/contracts/topics.ts";
import { FILE_ROW_COLUMNS, type FileRow } from "./file-rows.ts";

/** Messages per transaction. */
const CHUNK = 500;

/** Which ledger rows to publish, as what, and how to mark them so that they are not chosen again. */
export interface PublishRows {
  topic: Topic;
  where: string;
  values: unknown[];
  message(row: FileRow): FileIdentity;
  mark: string;
  /** Called after the bus has acknowledged, before the rows are marked. */
  published?(): void;
}

/**
 * Publishes ledger rows in version order. They stay locked until they are marked, and locked rows are passed over, so two processes
 * never publish the same one; the mark commits only after the bus has acknowledged, so none is lost.
 * @returns how many were published
 */
export async function publishRows(deps: { db: pg.Pool; bus: Bus }, what: PublishRows): Promise<number> {
  let published = 0;
  for (;;) {
    const count = await publishChunk(deps, what);
    published += count;
    if (count < CHUNK) return published;
  }
}

async function publishChunk({ db, bus }: { db: pg.Pool; bus: Bus }, what: PublishRows): Promise<number> {
  const client = await db.connect();
  try {
    await client.query("BEGIN");
    const { rows } = await client.query<FileRow>(
      `SELECT ${FILE_ROW_COLUMNS} FROM files WHERE ${what.where} ORDER BY version LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED`,
      what.values,
    );
    if (rows.length > 0) {
      const messages = rows.map((row) => what.message(row));
      await bus.publish(
        what.topic,
        messages.map((message) => ({ key: messageKeyOf(message), value: message })),
      );
      what.published?.();
      await client.query(`UPDATE files SET ${what.mark} WHERE file_id = ANY($1::uuid[])`, [
        rows.map((row) => row.file_id),
      ]);
    }
    await client.query("COMMIT");
    return rows.length;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
