import { mkdir, open, rename } from "node:fs/promises";
import { dirname, relative, sep, join } from "node:path";

/** Writes what the system holds of a file or directory to the disk. Windows has no such thing for directories. */
export async function syncPath(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory and those above it; they are still there after a power cut. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  let parent = dirname(first);
  for (const name of relative(parent, path).split(sep)) {
    await syncPath(parent);
    parent = join(parent, name);
  }
}

/** Renames, in the same file system, so that the new name is still there after a power cut. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncPath(dirname(to));
}
