import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ingestLocalFile } from "../../../downloader/ingest-file.ts";
import { fileIdOf, InvalidFileNameError } from "../../../shared/contracts/file-identity.ts";
import { PermanentError, UsageError } from "../../../shared/errors.ts";
import { createHarness, discovered, type Harness, NAME } from "./harness.ts";

const KEY = `sample/2026-01-02/${NAME}`;
let h: Harness;
let directory: string;
beforeAll(async () => {
  h = await createHarness({}, { GOGOBE_MAX_FILE_BYTES: "1MB" });
  directory = await mkdtemp(join(tmpdir(), "gogobe-ingest-"));
});
afterEach(async () => {
  await h.reset();
});
afterAll(async () => {
  await h.close();
  await rm(directory, { recursive: true });
});

async function local(name: string, bytes: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

describe("ingesting a local file", () => {
  it("stores it as if it had been downloaded, without the path of this machine", async () => {
    const path = await local(NAME, "bytes");
    const message = await ingestLocalFile(h.deps, path);
    expect(message).toMatchObject({
      fileId: fileIdOf("sample", NAME, 0),
      chain: "sample",
      portal: "local",
      sourceUrl: `file:///${NAME}`,
      s3_path: `s3://test/${KEY}`,
    });
    expect(h.published).toEqual([message]);
    expect(String(await h.stored(KEY))).toBe("bytes");
    expect(await h.ledger(message.fileId)).toMatchObject({ status: "downloaded", source_url: `file:///${NAME}` });
    expect(JSON.stringify(message)).not.toContain(directory);
  });

  it("a second time is the same file: published again until it is loaded, then left alone", async () => {
    const path = await local(NAME, "bytes");
    const first = await ingestLocalFile(h.deps, path);
    expect(await ingestLocalFile(h.deps, path)).toEqual(first);
    expect(h.published).toHaveLength(2);
    await h.database.pool.query("UPDATE files SET status = 'loaded'");
    const before = await h.ledger(first.fileId);
    expect(await ingestLocalFile(h.deps, path)).toEqual(first);
    expect(h.published).toHaveLength(2);
    expect(await h.ledger(first.fileId)).toEqual(before);
  });

  it("with other bytes under the same name is the next revision, and each is found again by its bytes", async () => {
    const path = await local(NAME, "first");
    const first = await ingestLocalFile(h.deps, path);
    await local(NAME, "second");
    const second = await ingestLocalFile(h.deps, path);
    expect([first.revision, second.revision]).toEqual([0, 1]);
    expect(second.version > first.version).toBe(true);
    expect(String(await h.stored(`${KEY}.r1`))).toBe("second");
    await local(NAME, "first");
    expect((await ingestLocalFile(h.deps, path)).fileId).toBe(first.fileId);
    await h.database.pool.query("DELETE FROM files");
    await local(NAME, "second");
    expect((await ingestLocalFile(h.deps, path)).fileId).toBe(second.fileId);
  });

  it("that a portal lists too is one file: the downloader finds it stored", async () => {
    const path = await local(NAME, "bytes");
    await ingestLocalFile(h.deps, path);
    await h.serve((_request, response) => response.writeHead(500).end());
    expect(await h.download(discovered("http://127.0.0.1/"))).toBe("reused");
  });

  it("takes an unknown chain id as a chain of its own, and a name without extension", async () => {
    const path = await local("Stores7299999999999-202601020005", "bytes");
    expect(await ingestLocalFile(h.deps, path)).toMatchObject({
      chain: "7299999999999",
      chainId: "7299999999999",
      storeId: null,
      fileType: "stores",
    });
  });

  it("puts a file under the chain that a person names", async () => {
    const path = await local("Price7299999999999-001-202601020005.gz", "bytes");
    expect(await ingestLocalFile(h.deps, path, { chain: "sample" })).toMatchObject({
      chain: "sample",
      chainId: "7299999999999",
    });
  });

  it.each([
    ["a name that is no price file", "readme.txt", {}, InvalidFileNameError],
    ["a chain that does not exist", NAME, { chain: "nobody" }, UsageError],
  ])("refuses %s", async (_what, name, options, expected) => {
    const path = await local(name, "bytes");
    await expect(ingestLocalFile(h.deps, path, options)).rejects.toBeInstanceOf(expected);
    expect(h.published).toEqual([]);
  });

  it("refuses what cannot be read, and what is too large, by name", async () => {
    const absent = join(directory, "PriceFull7290000000015-009-202601020010.gz");
    await expect(ingestLocalFile(h.deps, absent)).rejects.toThrow(/009-202601020010\.gz cannot be read/);
    await mkdir(absent);
    await expect(ingestLocalFile(h.deps, absent)).rejects.toThrow(UsageError);
    const large = await local(NAME, "x".repeat(1_000_001));
    await expect(ingestLocalFile(h.deps, large)).rejects.toThrow(PermanentError);
  });
});
