import pLimit from "p-limit";
import { messageKeyOf } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../shared/contracts/file-messages.ts";
import { TOPICS } from "../shared/contracts/topics.ts";
import { recordDownloaded } from "../shared/database/ledger.ts";
import { UsageError } from "../shared/errors.ts";
import { loadFiles } from "./load-files.ts";
import type { Runtime } from "./runtime.ts";
import { storedFiles, type StoredSelection } from "./stored-files.ts";

/** Messages published at once, and ledger rows written at once before that. */
const CHUNK = 200;
const LEDGER_AT_ONCE = 5;

/**
 * Publishes stored files on the bus again, as the downloader did. The ledger is told first, also when it had lost them.
 * @throws {UsageError} when nothing stored is meant
 */
export async function replay(
  runtime: Runtime,
  selection: StoredSelection,
  options: { here?: boolean; wait?: boolean },
): Promise<{ files: number }> {
  let published: string[] = [];
  const put = async () => {
    const files = await publishAll(runtime, selection);
    published = files.map((file) => file.fileId);
    return files;
  };
  if (options.here || options.wait) await loadFiles(runtime, put, { here: options.here ?? false });
  else await put();
  if (published.length === 0) {
    throw new UsageError("no stored file is meant by that", { hint: "keys are <chain>/<yyyy-mm-dd>/<file name>" });
  }
  return { files: published.length };
}

async function publishAll(runtime: Runtime, selection: StoredSelection): Promise<FileDownloaded[]> {
  const { store, log } = await runtime.stageDeps();
  const all: FileDownloaded[] = [];
  let chunk: FileDownloaded[] = [];
  for await (const file of storedFiles(store, selection, log)) {
    if (runtime.shutdown.signal.aborted) break;
    chunk.push(file);
    all.push(file);
    if (chunk.length < CHUNK) continue;
    await publishStored(runtime, chunk);
    chunk = [];
  }
  await publishStored(runtime, chunk);
  return all;
}

/** Sets the ledger back to `downloaded`, creating what it lacks, and publishes the files as the downloader does. */
export async function publishStored(runtime: Runtime, files: readonly FileDownloaded[]): Promise<void> {
  if (files.length === 0) return;
  const { db, bus } = await runtime.stageDeps();
  const limit = pLimit(LEDGER_AT_ONCE);
  await limit.map(files, (file) => recordDownloaded(db, file, { ...file, objectUri: file.s3_path }, true));
  await bus.publish(
    TOPICS.downloaded,
    files.map((file) => ({ key: messageKeyOf(file), value: { ...file, replay: true } })),
  );
}
