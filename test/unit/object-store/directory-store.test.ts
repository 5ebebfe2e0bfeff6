import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PermanentError, RetryableError } from "../../../shared/errors.ts";
import { DirectoryStore } from "../../../shared/object-store/directory-store.ts";
import type { ObjectStore } from "../../../shared/object-store/object-store.ts";

let directory: string;
let store: ObjectStore;
const root = () => join(directory, "raw-files");
const sidecar = (key: string) => join(root(), ".gogobe", "metadata", `${key}.json`);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gogobe-directory-store-"));
  store = new DirectoryStore({ directory, bucket: "raw-files", minFreeBytes: 0 });
  await store.ensureBucket();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function put(key: string, content: string, to: ObjectStore = store): Promise<void> {
  const path = join(directory, "source");
  await writeFile(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  await to.putFile(key, path, { contentType: "text/plain", sha256, metadata: { content } });
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list("")) found.push(key);
  return found;
}

test("an object is a plain file under its key, with nothing beside it that could be taken for one", async () => {
  await put("shufersal/2024-08-13/Price1.gz", "bytes");
  expect(await readFile(join(root(), "shufersal/2024-08-13/Price1.gz"), "utf8")).toBe("bytes");
  expect(await readdir(join(root(), "shufersal/2024-08-13"))).toEqual(["Price1.gz"]);
  expect(await keys()).toEqual(["shufersal/2024-08-13/Price1.gz"]);
  expect(await readdir(join(root(), ".gogobe/drafts"))).toEqual([]);
});

test("a put that was killed between its sidecar and its file leaves the old object with its own metadata", async () => {
  await put("a/1", "old");
  const before = await store.head("a/1");
  // Same size on purpose: only the time tells the two apart.
  await copyFile(join(root(), "a/1"), join(directory, "copy"));
  await put("a/1", "new");
  await rm(join(root(), "a/1"));
  await copyFile(join(directory, "copy"), join(root(), "a/1"));
  const modified = JSON.parse(await readFile(sidecar("a/1"), "utf8")).versions[1].modified as number;
  await utimes(join(root(), "a/1"), modified, modified);
  expect(await store.head("a/1")).toEqual(before);
  expect(before?.metadata).toEqual({ content: "old" });
});

test("a first put that was killed before its file appeared left no object", async () => {
  await put("a/1", "x");
  await rm(join(root(), "a/1"));
  expect(await store.head("a/1")).toBeNull();
  expect(await keys()).toEqual([]);
});

test("a file that lost its time in a backup keeps its metadata", async () => {
  await put("a/1", "x");
  await utimes(join(root(), "a/1"), 1, 1);
  expect((await store.head("a/1"))?.metadata).toEqual({ content: "x" });
});

test("a file that somebody put there by hand, and one whose sidecar is damaged, are objects without metadata", async () => {
  await mkdir(join(root(), "a"));
  await writeFile(join(root(), "a/by-hand"), "abc");
  await put("a/damaged", "abc");
  await writeFile(sidecar("a/damaged"), '{"versions":[{"si');
  for (const key of ["a/by-hand", "a/damaged"]) {
    expect(await store.head(key)).toMatchObject({
      sizeBytes: 3,
      metadata: {},
      contentType: "application/octet-stream",
    });
    expect(await text((await store.get(key)).body)).toBe("abc");
  }
  expect(await keys()).toEqual(["a/by-hand", "a/damaged"]);
});

test("drafts of a killed put are no objects; opening removes old ones and spares those of a put under way", async () => {
  const drafts = join(root(), ".gogobe/drafts");
  await mkdir(drafts, { recursive: true });
  await writeFile(join(drafts, "fresh"), "half");
  await store.ensureBucket();
  expect(await readdir(drafts)).toEqual(["fresh"]);
  expect(await keys()).toEqual([]);
  const later = new DirectoryStore({ directory, bucket: "raw-files", minFreeBytes: 0, abandonedAfterMs: -1 });
  await later.ensureBucket();
  expect(await readdir(drafts)).toEqual([]);
});

test("refuses to fill the disk: says what would be left, what is kept free and what to do", async () => {
  const full = new DirectoryStore({ directory, bucket: "raw-files", minFreeBytes: 2 ** 60 });
  await expect(put("a/1", "x", full)).rejects.toThrow(RetryableError);
  await expect(put("a/1", "x", full)).rejects.toThrow(/would have \d+ MB left, less than the \d+ MB kept free/);
  expect(await keys()).toEqual([]);
});

test("refuses keys that belong to the store, and keys no directory can hold, as errors that trying again cannot help", async () => {
  await put("a/1", "x");
  await expect(put(".gogobe/metadata/a", "x")).rejects.toThrow(PermanentError);
  await expect(put("a/1/below-a-file", "x")).rejects.toThrow(PermanentError);
  await expect(put("a", "x")).rejects.toThrow(PermanentError);
  await expect(put(`a/${"n".repeat(300)}`, "x")).rejects.toThrow(PermanentError);
  expect(await keys()).toEqual(["a/1"]);
});
