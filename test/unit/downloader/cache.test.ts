import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFileCache } from "../../../downloader/cache.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gogobe-cache-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const kept = async () => (await readdir(join(directory, "files"))).sort();

/** Keeps a file of `bytes`, as if it had been downloaded `age` seconds ago. */
async function keep(cache: Awaited<ReturnType<typeof openFileCache>>, name: string, bytes: number, age: number) {
  const path = cache.temporaryPath();
  await writeFile(path, Buffer.alloc(bytes));
  const time = Date.now() / 1000 - age;
  await utimes(path, time, time);
  return cache.keep(path, name, bytes);
}

describe("the cache of downloaded files", () => {
  it("keeps copies until it is full, then drops the oldest", async () => {
    const cache = await openFileCache(directory, 100);
    expect(await keep(cache, "new", 40, 1)).toBe(join(directory, "files", "new"));
    await keep(cache, "oldest", 30, 30);
    await keep(cache, "old", 30, 20);
    expect(await kept()).toEqual(["new", "old", "oldest"]);
    await keep(cache, "newest", 20, 0);
    expect(await kept()).toEqual(["new", "newest", "old"]);
  });

  it("counts what an earlier process left in it", async () => {
    await keep(await openFileCache(directory, 100), "old", 60, 9);
    await keep(await openFileCache(directory, 100), "new", 60, 0);
    expect(await kept()).toEqual(["new"]);
  });

  it("keeps nothing that does not fit, and nothing at all when its size is 0", async () => {
    expect(await keep(await openFileCache(directory, 10), "large", 11, 0)).toBeNull();
    expect(await keep(await openFileCache(directory, 0), "any", 1, 0)).toBeNull();
    expect(await kept()).toEqual([]);
    expect(await readdir(join(directory, "incoming"))).toEqual([]);
  });

  it("clears what a process that died hours ago had half downloaded, and leaves what is under way", async () => {
    const cache = await openFileCache(directory, 10);
    const [abandoned, underWay] = [cache.temporaryPath(), cache.temporaryPath()];
    await writeFile(abandoned, "x");
    await writeFile(underWay, "x");
    await utimes(abandoned, 0, 0);
    await openFileCache(directory, 10);
    expect(await readdir(join(directory, "incoming"))).toEqual([underWay.replace(/^.*\//, "")]);
  });
});
