import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Every exported file by name, after a refresh. `must` runs a gogobe command and throws unless it ends with 0. */
export async function exportedTables(must: (args: string[]) => Promise<string>): Promise<Map<string, string>> {
  await must(["refresh"]);
  const directory = await mkdtemp(join(tmpdir(), "gogobe-export-"));
  try {
    await must(["export", directory]);
    const names = (await readdir(directory)).sort();
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const)),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
