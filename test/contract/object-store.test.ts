import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { UsageError } from "../../shared/errors.ts";
import { DirectoryStore } from "../../shared/object-store/directory-store.ts";
import { S3Store } from "../../shared/object-store/s3-store.ts";
import { objectStoreContract } from "./object-store-suite.ts";

objectStoreContract({
  name: "directory",
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "gogobe-objects-"));
    const store = new DirectoryStore({ directory, bucket: "test-bucket", minFreeBytes: 0 });
    await store.ensureBucket();
    return { store, cleanup: () => rm(directory, { recursive: true, force: true }) };
  },
});

/** Addresses of S3 servers, comma separated; credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the same for all. */
const endpoints = (process.env["GOGOBE_TEST_S3_ENDPOINTS"] ?? "").split(",").filter((endpoint) => endpoint !== "");
const none = "[skipped: GOGOBE_TEST_S3_ENDPOINTS names no server; infra/native/up starts one]";

for (const endpoint of endpoints.length > 0 ? endpoints : [none]) {
  objectStoreContract({
    name: `S3 at ${endpoint}`,
    skip: endpoint === none,
    open: async () => {
      const store = newStore(endpoint);
      await store.ensureBucket();
      return { store, cleanup: () => emptyAndClose(store) };
    },
  });

  describe.skipIf(endpoint === none)(`S3 errors at ${endpoint}`, () => {
    afterEach(() => void vi.unstubAllEnvs());

    test("a bucket that is not there is named, with what to do", async () => {
      const store = newStore(endpoint);
      await expect(store.ping()).rejects.toThrow(store.bucket);
      await store.close();
    });

    test("credentials that the server does not know are a wrong setting", async () => {
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", "not-the-secret");
      const store = newStore(endpoint);
      await expect(store.ensureBucket()).rejects.toThrow(UsageError);
      await expect(store.ensureBucket()).rejects.toThrow(new URL(endpoint).host);
      await store.close();
    });

    test("two processes may create the bucket at once", async () => {
      const first = newStore(endpoint);
      const second = new S3Store({ endpoint, region: "us-east-1", pathStyle: true, bucket: first.bucket });
      await Promise.all([first.ensureBucket(), second.ensureBucket()]);
      await expect(Promise.all([first.ping(), second.ping()])).resolves.toHaveLength(2);
      await Promise.all([first.close(), second.close()]);
    });
  });
}

function newStore(endpoint: string): S3Store {
  const bucket = `gogobe-test-${randomUUID()}`;
  return new S3Store({ endpoint, region: "us-east-1", pathStyle: true, bucket });
}

async function emptyAndClose(store: S3Store): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list("")) keys.push(key);
  for (let start = 0; start < keys.length; start += 50) {
    await Promise.all(keys.slice(start, start + 50).map((key) => store.delete(key)));
  }
  await store.close();
}
