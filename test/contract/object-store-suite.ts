import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PermanentError, RetryableError } from "../../shared/errors.ts";
import type { ObjectStore, StoredObject } from "../../shared/object-store/object-store.ts";
import { ObjectNotFoundError } from "../../shared/object-store/object-uri.ts";

export interface StoreUnderTest {
  name: string;
  /** The reason stands in the name. */
  skip?: boolean;
  /** An empty store whose bucket exists. */
  open(): Promise<{ store: ObjectStore; cleanup(): Promise<void> }>;
}

/** What every object store must do; the directory and every S3 server run the same tests. */
export function objectStoreContract({ name, skip = false, open }: StoreUnderTest): void {
  describe.skipIf(skip)(`object store: ${name}`, () => {
    let store: ObjectStore;
    let cleanup: (() => Promise<void>) | undefined;
    let work: string;

    beforeAll(async () => {
      work = await mkdtemp(join(tmpdir(), "gogobe-store-"));
      ({ store, cleanup } = await open());
    });
    afterAll(async () => {
      await cleanup?.();
      await rm(work, { recursive: true, force: true });
    });

    let files = 0;
    async function put(
      key: string,
      content: string | Buffer,
      metadata: Record<string, string> = {},
    ): Promise<StoredObject> {
      const path = join(work, String((files += 1)));
      await writeFile(path, content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      return await store.putFile(key, path, { contentType: "application/gzip", sha256, metadata });
    }
    async function read(key: string): Promise<Buffer> {
      return await buffer((await store.get(key)).body);
    }
    async function listed(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const object of store.list(prefix)) keys.push(object.key);
      return keys;
    }

    test("gives back the bytes, size, content type and metadata that were put", async () => {
      const content = randomBytes(100_000);
      const stored = await put("a/2024-08-13/Price1.gz", content, { "file-id": "42" });
      expect(stored).toMatchObject({
        key: "a/2024-08-13/Price1.gz",
        uri: `s3://${store.bucket}/a/2024-08-13/Price1.gz`,
        sizeBytes: 100_000,
        contentType: "application/gzip",
        metadata: { "file-id": "42" },
      });
      expect(stored.etag).not.toBe("");
      expect(await store.head("a/2024-08-13/Price1.gz")).toEqual(stored);
      const { object, body } = await store.get("a/2024-08-13/Price1.gz");
      expect(object).toEqual(stored);
      expect((await buffer(body)).equals(content)).toBe(true);
    });

    test("keeps metadata of any text: Hebrew, line ends, spaces at the edge and in a row, percent signs, emptiness", async () => {
      const metadata = {
        "store-name": "סניף ראשי",
        lines: "one\r\ntwo",
        spaces: "  a   b ",
        percent: "100%25 %",
        empty: "",
        face: "🛒",
      };
      await put("meta/1", "x", metadata);
      expect((await store.head("meta/1"))?.metadata).toEqual(metadata);
      const { object, body } = await store.get("meta/1");
      body.destroy();
      expect(object.metadata).toEqual(metadata);
    });

    test("refuses metadata names that some store would change, and more than 2 KB", async () => {
      await expect(put("meta/2", "x", { fileId: "1" })).rejects.toThrow(/metadata name "fileId"/);
      await expect(put("meta/2", "x", { a: "ש".repeat(400) })).rejects.toThrow(/2048/);
      expect(await store.head("meta/2")).toBeNull();
    });

    test("knows nothing of an object that was never put", async () => {
      expect(await store.head("no/such")).toBeNull();
      await expect(store.get("no/such")).rejects.toThrow(ObjectNotFoundError);
      await expect(store.get("no/such")).rejects.toThrow(`s3://${store.bucket}/no/such`);
    });

    test("does not take the parent of an object for an object", async () => {
      await put("parent/child", "x");
      expect(await store.head("parent")).toBeNull();
      await expect(store.get("parent")).rejects.toThrow(ObjectNotFoundError);
    });

    test("replaces an object whole: bytes, metadata and etag", async () => {
      const first = await put("replaced", "first", { n: "1" });
      const second = await put("replaced", "other", { n: "2" });
      expect(second.etag).not.toBe(first.etag);
      expect((await read("replaced")).toString()).toBe("other");
      expect(await store.head("replaced")).toEqual(second);
    });

    test("stores nothing when the bytes are not those that were announced", async () => {
      await put("checked", "good");
      const path = join(work, "wrong");
      await writeFile(path, "evil");
      const sha256 = createHash("sha256").update("something else").digest("hex");
      const options = { contentType: "text/plain", sha256, metadata: {} };
      await expect(store.putFile("checked", path, options)).rejects.toThrow(RetryableError);
      await expect(store.putFile("unchecked", path, options)).rejects.toThrow(/sha256/);
      expect((await read("checked")).toString()).toBe("good");
      expect(await store.head("unchecked")).toBeNull();
    });

    test("stores an empty file", async () => {
      await put("empty", "");
      expect((await store.head("empty"))?.sizeBytes).toBe(0);
      expect((await read("empty")).length).toBe(0);
    });

    test("stores a file of many parts unchanged, and nothing of one whose bytes are not the announced ones", async () => {
      const content = randomBytes(24 * 1024 * 1024);
      await put("large", content, { kind: "large" });
      expect(await store.head("large")).toMatchObject({ sizeBytes: content.length, metadata: { kind: "large" } });
      expect((await read("large")).equals(content)).toBe(true);
      const path = join(work, "large-wrong");
      await writeFile(path, content);
      const options = { contentType: "text/plain", sha256: "0".repeat(64), metadata: {} };
      await expect(store.putFile("large-wrong", path, options)).rejects.toThrow(RetryableError);
      expect(await store.head("large-wrong")).toBeNull();
    });

    test("puts of one key at once end as one of them, whole", async () => {
      const values = ["a", "bb", "ccc", "dddd"];
      await Promise.all(values.map((value) => put("raced", value, { value })));
      const { object, body } = await store.get("raced");
      expect(object.metadata["value"]).toBe((await buffer(body)).toString());
    });

    test("lists the keys below a prefix in byte order, with size and etag of each", async () => {
      // "-" and "." sort before "/", letters after; Hebrew after ASCII, and an emoji after U+FB01 only by bytes.
      const keys = ["l/a-b/1", "l/a.b", "l/a/1", "l/a/10", "l/a/2", "l/ab", "l/b/x/y/z", "l/ש", "l/ﬁ", "l/🛒"];
      for (const key of keys.toReversed()) await put(key, key);
      await put("la", "no");
      expect(await listed("l/")).toEqual(keys);
      expect(await listed("l/a/")).toEqual(["l/a/1", "l/a/10", "l/a/2"]);
      expect(await listed("l/a")).toEqual(["l/a-b/1", "l/a.b", "l/a/1", "l/a/10", "l/a/2", "l/ab"]);
      expect(await listed("l/a/1")).toEqual(["l/a/1", "l/a/10"]);
      expect(await listed("l/nothing")).toEqual([]);
      const head = await store.head("l/b/x/y/z");
      for await (const object of store.list("l/b/")) {
        expect(object).toEqual({ key: head?.key, uri: head?.uri, sizeBytes: head?.sizeBytes, etag: head?.etag });
      }
    });

    test("lists more keys than one page holds, and everything under the empty prefix", async () => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
      for (let start = 0; start < keys.length; start += 50) {
        await Promise.all(keys.slice(start, start + 50).map((key) => put(key, "x")));
      }
      expect(await listed("many/")).toEqual(keys);
      const all = await listed("");
      expect(all).toEqual(expect.arrayContaining(["a/2024-08-13/Price1.gz", "empty", "many/0000"]));
      expect(all).toEqual(all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    });

    test("deletes an object, its metadata too; deleting what is not there is no error", async () => {
      await put("gone", "x", { n: "1" });
      await store.delete("gone");
      expect(await store.head("gone")).toBeNull();
      expect(await listed("gone")).toEqual([]);
      await store.delete("gone");
      await put("gone", "x");
      expect((await store.head("gone"))?.metadata).toEqual({});
    });

    test.each(["../up", "a/../../up", "/root", "a//b", "a/./b", "a\\b", "a\0b", ""])("refuses key %j", async (key) => {
      await expect(put(key, "x")).rejects.toThrow(PermanentError);
      await expect(store.head(key)).rejects.toThrow(PermanentError);
      await expect(store.get(key)).rejects.toThrow(/refused/);
      await expect(store.delete(key)).rejects.toThrow(PermanentError);
    });

    test("keeps keys of characters that mean something in URLs and shells", async () => {
      const key = "odd/a b+c%20d&e=f?g#h;i'j(k)[l]~!*סניף";
      await put(key, "odd");
      expect((await read(key)).toString()).toBe("odd");
      expect(await listed("odd/")).toEqual([key]);
    });

    test("ends a read when the signal says so", async () => {
      await put("aborted", randomBytes(4 * 1024 * 1024));
      const controller = new AbortController();
      const { body } = await store.get("aborted", controller.signal);
      const reading = buffer(body);
      controller.abort();
      await expect(reading).rejects.toThrow(/abort/i);
      await expect(store.get("aborted", controller.signal)).rejects.toThrow(/abort/i);
    });

    test("creating the bucket again keeps what is in it", async () => {
      await put("kept", "x");
      await store.ensureBucket();
      expect(await store.head("kept")).not.toBeNull();
      await store.ping();
    });
  });
}
