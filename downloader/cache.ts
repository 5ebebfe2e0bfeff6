import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Half-written downloads older than this belong to a process that died. */
const ABANDONED_MS = 6 * 3_600_000;
/** Room made at once, so that a full cache is not searched for every file. */
const KEEP_SHARE = 0.9;
const STAT_CHUNK = 64;

/** Local copies of downloaded files, bounded in size, oldest out. May be shared by several processes; losing it loses nothing. */
export interface FileCache {
  /** A path for a download under way. */
  temporaryPath(): string;
  /** Moves a finished download in under a name. Null when it does not fit at all; the file is then gone. */
  keep(path: string, name: string, sizeBytes: number): Promise<string | null>;
}

export async function openFileCache(directory: string, maxBytes: number): Promise<FileCache> {
  const incoming = join(directory, "incoming");
  const files = join(directory, "files");
  await mkdir(incoming, { recursive: true });
  await mkdir(files, { recursive: true });
  const now = Date.now();
  for (const entry of await entriesOf(incoming)) {
    if (now - entry.modifiedMs > ABANDONED_MS) await rm(entry.path, { force: true });
  }
  let total = (await entriesOf(files)).reduce((sum, entry) => sum + entry.bytes, 0);
  let trimming: Promise<void> | null = null;

  async function trim(): Promise<void> {
    const entries = (await entriesOf(files)).sort((a, b) => a.modifiedMs - b.modifiedMs);
    total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of entries) {
      if (total <= maxBytes * KEEP_SHARE) break;
      await rm(entry.path, { force: true });
      total -= entry.bytes;
    }
    trimming = null;
  }

  return {
    temporaryPath: () => join(incoming, `${randomUUID()}.part`),
    async keep(path, name, sizeBytes) {
      if (sizeBytes > maxBytes) {
        await rm(path, { force: true });
        return null;
      }
      const kept = join(files, name);
      await rename(path, kept);
      total += sizeBytes;
      if (total > maxBytes) await (trimming ??= trim());
      return kept;
    },
  };
}

async function entriesOf(directory: string): Promise<{ path: string; bytes: number; modifiedMs: number }[]> {
  const names = await readdir(directory);
  const entries = [];
  for (let start = 0; start < names.length; start += STAT_CHUNK) {
    const chunk = names.slice(start, start + STAT_CHUNK).map((name) => join(directory, name));
    const stats = await Promise.all(chunk.map((path) => stat(path).catch(() => null)));
    for (const [index, path] of chunk.entries()) {
      const facts = stats[index];
      // Gone meanwhile: another process trimmed it.
      if (facts?.isFile()) entries.push({ path, bytes: facts.size, modifiedMs: facts.mtimeMs });
    }
  }
  return entries;
}
