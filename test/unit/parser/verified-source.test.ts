import { hash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openVerified } from "../../../parser/verified-source.ts";
import type { FileDownloaded } from "../../../shared/contracts/file-messages.ts";
import { PermanentError } from "../../../shared/errors.ts";
import { DirectoryStore } from "../../../shared/object-store/directory-store.ts";
import type { ObjectStore } from "../../../shared/object-store/object-store.ts";

const BYTES = Buffer.from("<Root/>");
const FILE_ID = "0192f0c1-2b3c-5d4e-8f60-718293a4b5c6";

describe("the bytes of a downloaded file", () => {
  let home: string;
  let cache: string;
  let store: ObjectStore;
  let copy: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "gogobe-source-"));
    cache = join(home, "cache");
    await mkdir(join(cache, "files"), { recursive: true });
    copy = join(cache, "files", FILE_ID);
    await writeFile(copy, BYTES);
    store = new DirectoryStore({ directory: join(home, "objects"), bucket: "gogobe-raw", minFreeBytes: 0 });
    await store.ensureBucket();
  });
  afterEach(async () => {
    await store.close();
    await rm(home, { recursive: true, force: true });
  });

  const file = (more: Partial<FileDownloaded> = {}): FileDownloaded => ({
    schemaVersion: 1,
    fileId: FILE_ID,
    chain: "testmart",
    chainId: "7290000000001",
    subChainId: null,
    storeId: "1",
    portal: "local",
    fileName: "PriceFull7290000000001-1-202608140300.gz",
    fileType: "price-full",
    publishedAt: "2026-08-14T03:00:00+03:00",
    version: "v",
    revision: 0,
    s3_path: "s3://gogobe-raw/testmart/2026-08-14/PriceFull7290000000001-1-202608140300.gz",
    sha256: hash("sha256", BYTES),
    sizeBytes: BYTES.length,
    contentType: "application/gzip",
    etag: "e",
    downloadedAt: "2026-08-14T03:01:00Z",
    sourceUrl: "",
    ...more,
  });
  const putObject = async () => {
    const path = join(home, "incoming");
    await writeFile(path, BYTES);
    const { s3_path: uri, contentType, sha256 } = file();
    await store.putFile(uri.replace("s3://gogobe-raw/", ""), path, { contentType, sha256, metadata: {} });
  };
  const read = async (message: FileDownloaded) => {
    const source = await openVerified(message, store, cache, new AbortController().signal);
    const parts: Uint8Array[] = [];
    for await (const part of source.bytes) parts.push(part);
    await source.dispose();
    return Buffer.concat(parts);
  };

  test("come from the local copy, with no object at all", async () => {
    expect(await read(file({ local_path: copy }))).toEqual(BYTES);
    await expect(read(file())).rejects.toThrow(/no object/);
  });

  test("come from the object when the copy has other bytes, is gone, or is a way out of the cache", async () => {
    await putObject();
    await writeFile(copy, "<Boot/>");
    expect(await read(file({ local_path: copy }))).toEqual(BYTES);
    await rm(copy);
    expect(await read(file({ local_path: copy }))).toEqual(BYTES);
    const outside = join(home, "outside");
    await writeFile(outside, "<Root>secret</Root>");
    await symlink(outside, copy);
    expect(await read(file({ local_path: copy }))).toEqual(BYTES);
  });

  test("come from the object when the copy lies in the cache of another machine", async () => {
    await putObject();
    expect(await read(file({ local_path: `/somewhere/else/files/${FILE_ID}` }))).toEqual(BYTES);
  });

  test.each([
    ["any file of the machine", () => "/etc/passwd"],
    ["a relative path", () => `files/${FILE_ID}`],
    ["a way out of the cache", () => `${cache}/../outside/${FILE_ID}`],
    ["the cache itself", () => cache],
  ])("are refused when local_path is %s, though the object is there", async (_what, path) => {
    await putObject();
    await expect(read(file({ local_path: path() }))).rejects.toThrow(/local_path .* is refused/);
    await expect(read(file({ local_path: path() }))).rejects.toBeInstanceOf(PermanentError);
  });

  test("are refused for an object address outside the bucket, though the local copy is there", async () => {
    for (const uri of ["s3://gogobe-raw/../x.gz", "s3://gogobe-raw/testmart/../../x.gz", "s3://another/x.gz"]) {
      await expect(read(file({ s3_path: uri, local_path: copy }))).rejects.toBeInstanceOf(PermanentError);
    }
  });
});
