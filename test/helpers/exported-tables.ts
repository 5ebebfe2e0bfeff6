import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The bucket of a fleet space (createFleetSpace): a name of its own, which is no part of what was loaded. */
const BUCKET_OF_A_SPACE = /s3:\/\/fleet-[0-9a-f]{32}\//g;

/**
 * Every exported file by name, after a refresh; buckets of fleet spaces go by the default's name, so that two spaces compare.
 * @param must runs a gogobe command and throws unless it ends with 0
 */
export async function exportedTables(must: (args: string[]) => Promise<string>): Promise<Map<string, string>> {
  await must(["refresh"]);
  const directory = await mkdtemp(join(tmpdir(), "gogobe-export-"));
  try {
    await must(["export", directory]);
    const names = (await readdir(directory)).sort();
    return new Map(
      await Promise.all(
        names.map(async (name) => {
          const text = await readFile(join(directory, name), "utf8");
          return [name, text.replaceAll(BUCKET_OF_A_SPACE, "s3://gogobe-raw/")] as const;
        }),
      ),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What two exports differ in: a line per table, with the first lines that only one of them has. Empty when they are equal byte for byte. */
export function exportDifferences(now: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): string[] {
  const names = [...new Set([...now.keys(), ...expected.keys()])];
  return names.flatMap((name) => {
    const [here, there] = [now.get(name) ?? "", expected.get(name) ?? ""];
    if (here === there) return [];
    return [`${name}: more ${onlyIn(here, there)}; missing ${onlyIn(there, here)}`];
  });
}

function onlyIn(text: string, other: string): string {
  const known = new Set(other.split("\n"));
  const lines = text.split("\n").filter((line) => !known.has(line));
  return `${lines.length} lines ${JSON.stringify(lines.slice(0, 3))}`;
}
