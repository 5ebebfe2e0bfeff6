import { mkdtemp, rm, readFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskFullError, receiveFile } from "../../../downloader/temporary-file.ts";
import { BodyTooLargeError } from "../../../shared/net/net-errors.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gogobe-temporary-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const limits = { fileName: "Price1-1-202601020300.gz", maxBytes: 1_000, minFreeBytes: 0 };
const chunks = (...parts: string[]) => Readable.from(parts.map((part) => Buffer.from(part)));

describe("receiving a file", () => {
  it("writes, counts and hashes what comes, and starts over on the next try", async () => {
    const path = join(directory, "f");
    await receiveFile(path, 0, limits, (sink) => pipeline(chunks("a longer first try"), sink));
    const facts = await receiveFile(path, 0, limits, (sink) => pipeline(chunks("ab", "c"), sink));
    expect(facts).toEqual({ sizeBytes: 3, sha256: createHash("sha256").update("abc").digest("hex") });
    expect(await readFile(path, "utf8")).toBe("abc");
  });

  it("stops above the cap, and before the first byte when more is announced", async () => {
    const path = join(directory, "f");
    const long = () => chunks("x".repeat(600), "x".repeat(600), "x".repeat(600));
    await expect(receiveFile(path, 0, limits, (sink) => pipeline(long(), sink))).rejects.toThrow(BodyTooLargeError);
    let asked = false;
    const running = receiveFile(path, 1_001, limits, async () => void (asked = true));
    await expect(running).rejects.toThrow(/Price1-1-202601020300\.gz is larger than 1000 bytes/);
    expect(asked).toBe(false);
  });

  it("refuses to fill the disk, saying so rather than blaming the portal", async () => {
    const full = { ...limits, minFreeBytes: Number.MAX_SAFE_INTEGER };
    const onFull = receiveFile(join(directory, "f"), 0, full, (sink) => pipeline(chunks("x"), sink));
    await expect(onFull).rejects.toThrow(DiskFullError);
    const gone = receiveFile("/dev/full", 0, limits, (sink) => pipeline(chunks("x"), sink));
    await expect(gone).rejects.toThrow(/cannot be written to the cache \(ENOSPC\)/);
  });

  it("passes on what ended the transfer", async () => {
    const broken = new Readable({ read: () => void broken.destroy(new Error("connection was cut")) });
    const running = receiveFile(join(directory, "f"), 0, limits, (sink) => pipeline(broken, sink));
    await expect(running).rejects.toThrow("connection was cut");
  });
});
