import type { Pool, PoolClient } from "pg";
import { UsageError } from "../shared/errors.ts";
import { delistPrices, withdrawPromotions } from "./merge/delist.ts";
import { lockStores, storeLockName } from "./locks.ts";
import { reportSuspicion } from "./merge/full-files.ts";

export interface Confirmation {
  fileId: string;
  fileName: string;
  /** False: it was trusted already. */
  changed: boolean;
}

interface FullFile {
  file_id: string;
  file_name: string;
  status: string;
  file_type: string;
  chain_id: string;
  store_code: string;
  complete: boolean | null;
  trusted: boolean | null;
}

/**
 * A person says that a suspicious full file is right: what it does not name is gone. `file` is its id or its name.
 * @throws {UsageError} no such file, several of that name, not a full file, not loaded yet, or cut short
 */
export async function confirmFullFile(db: Pool, file: string): Promise<Confirmation> {
  const client = await db.connect();
  try {
    await client.query("BEGIN");
    const found = await findFullFile(client, file);
    await lockStores(client, [storeLockName(found.chain_id, found.store_code)]);
    const { rowCount } = await client.query(
      "UPDATE full_files SET confirmed = true WHERE file_id = $1 AND NOT confirmed",
      [found.file_id],
    );
    if (rowCount) {
      await delistPrices(client, [found.file_id]);
      await withdrawPromotions(client, [found.file_id]);
      await reportSuspicion(client, [found.file_id]);
    }
    await client.query("COMMIT");
    return { fileId: found.file_id, fileName: found.file_name, changed: found.trusted === false };
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function findFullFile(client: PoolClient, file: string): Promise<FullFile> {
  const { rows } = await client.query<FullFile>(
    `SELECT f.file_id, f.file_name, f.status, f.file_type, f.chain_id, f.store_code, t.complete, t.trusted
      FROM files f LEFT JOIN full_file_trust t USING (file_id)
      WHERE f.file_id::text = $1 OR f.file_name = $1
      ORDER BY f.version DESC`,
    [file],
  );
  const found = rows[0];
  if (!found)
    throw new UsageError(`no file "${file}" in the ledger`, { hint: "gogobe files list shows what there is" });
  if (rows.length > 1) {
    throw new UsageError(`${rows.length} files are named "${file}"`, {
      hint: `name one by its id: ${rows.map((row) => row.file_id).join(", ")}`,
    });
  }
  if (!found.file_type.endsWith("-full")) {
    throw new UsageError(`${found.file_name} is no full file: only a full file can say what is gone`);
  }
  if (found.complete === null) {
    throw new UsageError(`${found.file_name} is not loaded yet (${found.status})`, {
      hint: "confirm it once its status is loaded",
    });
  }
  if (!found.complete) {
    throw new UsageError(`${found.file_name} is cut short or broken: it can never say what is gone`, {
      hint: "wait for the next full file of that store, or replay it when the stored object is whole",
    });
  }
  return found;
}
