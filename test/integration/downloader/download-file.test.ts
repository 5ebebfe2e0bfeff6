import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fileIdOf } from "../../../shared/contracts/file-identity.ts";
import { fileFromObjectMetadata } from "../../../shared/contracts/object-metadata.ts";
import { PermanentError, RetryableError } from "../../../shared/errors.ts";
import { HostNotAllowedError } from "../../../shared/net/host-policy.ts";
import { BodyTooLargeError, HostTimeoutError, HostUnreachableError } from "../../../shared/net/net-errors.ts";
import { startLocalFtp } from "../../unit/net/local-ftp.ts";
import { createHarness, discovered, type Harness, NAME, sampleChain } from "./harness.ts";

const KEY = `sample/2026-01-02/${NAME}`;
const BYTES = Buffer.from("\x1f\x8b not really gzip, but bytes that must arrive as they are");
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

let h: Harness;
beforeAll(async () => {
  h = await createHarness({ responseTimeoutMs: 300, idleTimeoutMs: 1_000 }, { GOGOBE_MAX_FILE_BYTES: "2MB" });
});
afterEach(async () => {
  await h.reset();
});
afterAll(async () => {
  await h.close();
});

describe("a discovered file", () => {
  it("is stored byte for byte, recorded and published, with all that is known of it on the object", async () => {
    const base = await h.serve((request, response) => {
      response.setHeader("content-type", "application/x-gzip; charset=binary");
      response.end(request.headers["accept-encoding"] === "identity" ? BYTES : "wrapped");
    });
    const file = discovered(`${base}/files/${NAME}?sig=SECRET`);
    expect(await h.download(file)).toBe("stored");
    expect(await h.stored(KEY)).toEqual(BYTES);
    const [message] = h.published;
    expect(message).toMatchObject({
      fileId: file.fileId,
      s3_path: `s3://test/${KEY}`,
      sha256: sha256(BYTES),
      sizeBytes: BYTES.length,
      contentType: "application/x-gzip",
      sourceUrl: `${base}/files/${NAME}`,
    });
    expect(await readFile(message?.local_path ?? "")).toEqual(BYTES);
    expect(await h.ledger(file.fileId)).toMatchObject({ status: "downloaded", sha256: sha256(BYTES), error: null });
    const object = await h.store.head(KEY);
    const { local_path: _copy, ...rest } = message ?? {};
    expect(object && fileFromObjectMetadata(object.metadata, object)).toEqual(rest);
    expect(JSON.stringify([message, await h.ledger(file.fileId), object])).not.toContain("SECRET");
  });

  it("of zero bytes is stored as it is", async () => {
    const base = await h.serve((_request, response) => response.end());
    expect(await h.download(discovered(base))).toBe("stored");
    expect(await h.stored(KEY)).toEqual(Buffer.alloc(0));
  });

  it("is fetched again when its body was cut, and nothing of the cut one stays", async () => {
    let tries = 0;
    const base = await h.serve((_request, response) => {
      response.setHeader("content-length", BYTES.length);
      if (++tries > 1) response.end(BYTES);
      else response.write(BYTES.subarray(0, 10), () => response.destroy());
    });
    expect(await h.download(discovered(base))).toBe("stored");
    expect(tries).toBe(2);
    expect(await h.stored(KEY)).toEqual(BYTES);
  });

  it("that is cut every time is a failure that may pass, and nothing is stored", async () => {
    const base = await h.serve((_request, response) => {
      response.setHeader("content-length", 100);
      response.write("short", () => response.destroy());
    });
    await expect(h.download(discovered(base))).rejects.toBeInstanceOf(RetryableError);
    expect(await h.stored(KEY)).toBeNull();
    expect(h.published).toEqual([]);
  });

  it.each([
    ["announces", (length: number) => ({ "content-length": String(length) })],
    ["only turns out to have", (_length: number) => ({})],
  ])("that %s more bytes than allowed is refused for good", async (_how, headers) => {
    const large = Buffer.alloc(3_000_000);
    const base = await h.serve((_request, response) => response.writeHead(200, headers(large.length)).end(large));
    await expect(h.download(discovered(base))).rejects.toBeInstanceOf(BodyTooLargeError);
    expect(await h.stored(KEY)).toBeNull();
  });

  it("of a portal that is too slow fails with the name of the host and the phase", async () => {
    const base = await h.serve(() => {});
    const failed = h.download(discovered(base));
    await expect(failed).rejects.toThrow(/127\.0\.0\.1:\d+: timed out in phase "response" after 300 ms/);
    await expect(failed).rejects.toBeInstanceOf(HostTimeoutError);
  });
});

describe("a message that must not be followed", () => {
  it.each([
    ["an unknown chain", { chain: "nobody" }, /not in the chain registry/],
    ["a file name that leaves its directory", { fileName: "../../etc/passwd" }, /not safe as a path/],
    ["a host outside the registry", { url: "http://evil.example.org/f.gz" }, HostNotAllowedError],
    ["a private address", { url: "http://169.254.169.254/latest" }, HostNotAllowedError],
    ["a local file", { url: "file:///etc/passwd" }, HostNotAllowedError],
  ])("%s is refused for good", async (_what, changes, expected) => {
    await h.serve((_request, response) => response.end(BYTES));
    const failed = h.download(discovered("http://127.0.0.1/", changes));
    await expect(failed).rejects.toThrow(expected);
    await expect(failed).rejects.toBeInstanceOf(PermanentError);
    expect(h.published).toEqual([]);
  });

  it("a redirect to a foreign host is refused for good", async () => {
    const base = await h.serve((_request, response) => response.writeHead(302, { location: "http://evil.org/" }).end());
    await expect(h.download(discovered(base))).rejects.toBeInstanceOf(HostNotAllowedError);
  });

  it("without the fields of a discovered file is refused for good", async () => {
    await expect(h.download({ fileId: "x" } as never)).rejects.toBeInstanceOf(PermanentError);
  });
});

describe("a link that is over", () => {
  const expired: [string, Parameters<Harness["serve"]>[0]][] = [
    [
      "by status 403",
      (_request, response) => response.writeHead(403).end("<Error><Code>AuthenticationFailed</Code></Error>"),
    ],
    ["by status 404", (_request, response) => response.writeHead(404).end()],
    ["by a text in place of the file", (_request, response) => response.end("Link Expired")],
  ];

  it.each(expired)("%s is resolved afresh once", async (_how, over) => {
    const base = await h.serve((request, response) =>
      request.url === "/old" ? over(request, response) : response.end(BYTES),
    );
    const asked: boolean[] = [];
    h.resolveBy(async (_file, fresh) => {
      asked.push(fresh);
      return { url: `${base}/${fresh ? "new" : "old"}` };
    });
    expect(await h.download(discovered(base))).toBe("stored");
    expect(asked).toEqual([false, true]);
    expect(await h.stored(KEY)).toEqual(BYTES);
  });

  it("by its own time is not even asked for", async () => {
    const paths: (string | undefined)[] = [];
    const base = await h.serve((request, response) => {
      paths.push(request.url);
      response.end(BYTES);
    });
    h.resolveBy(async (_file, fresh) =>
      fresh ? { url: `${base}/new` } : { url: `${base}/old`, expiresAt: new Date(Date.now() - 1) },
    );
    await h.download(discovered(base));
    expect(paths).toEqual(["/new"]);
  });

  it("and over again after resolving is a failure that may pass; the notice is never stored", async () => {
    const base = await h.serve((_request, response) => response.end("link expired"));
    await expect(h.download(discovered(base))).rejects.toThrow(/has expired/);
    expect(await h.stored(KEY)).toBeNull();
  });
});

describe("a message that comes again", () => {
  it("after a crash between store and publish publishes the stored object and fetches nothing", async () => {
    let requests = 0;
    const base = await h.serve((_request, response) => {
      requests++;
      response.end(BYTES);
    });
    const file = discovered(base);
    h.failPublishOnce();
    await expect(h.download(file)).rejects.toThrow("killed before publishing");
    await h.database.pool.query("DELETE FROM files");
    expect(await h.download(file)).toBe("reused");
    expect(requests).toBe(1);
    expect(h.published).toHaveLength(1);
    expect(h.published[0]).toMatchObject({ fileId: file.fileId, sha256: sha256(BYTES) });
    expect(await h.ledger(file.fileId)).toMatchObject({ status: "downloaded" });
  });

  it("of a loaded file changes nothing", async () => {
    const base = await h.serve((_request, response) => response.end(BYTES));
    const file = discovered(base);
    await h.download(file);
    await h.database.pool.query("UPDATE files SET status = 'loaded'");
    const before = await h.ledger(file.fileId);
    expect(await h.download(file)).toBe("reused");
    expect(h.published).toHaveLength(1);
    expect(await h.ledger(file.fileId)).toEqual(before);
  });

  it("is fetched anew when the store does not hold what the ledger says", async () => {
    const base = await h.serve((_request, response) => response.end(BYTES));
    const file = discovered(base);
    await h.download(file);
    await h.database.pool.query("UPDATE files SET sha256 = repeat('0', 64)");
    expect(await h.download(file)).toBe("stored");
    expect(await h.ledger(file.fileId)).toMatchObject({ sha256: sha256(BYTES) });
  });
});

describe("a candidate revision", () => {
  async function addCandidate(): Promise<void> {
    await h.database.pool.query(
      `INSERT INTO files (file_id, chain, chain_id, portal, file_name, file_type, revision, version, source_url, status, published_at,
         listed_size, listed_at)
       SELECT $1, chain, chain_id, portal, file_name, file_type, 1, version, source_url, 'discovered', published_at, 999, 'later' FROM files`,
      [fileIdOf("sample", NAME, 1)],
    );
  }

  it("with the bytes that are known goes without a message, and its listing is remembered on the known one", async () => {
    const base = await h.serve((_request, response) => response.end(BYTES));
    const first = discovered(base);
    await h.download(first);
    await addCandidate();
    const candidate = discovered(base, { revision: 1 });
    expect(await h.download(candidate)).toBe("unchanged");
    expect(h.published).toHaveLength(1);
    expect(await h.ledger(candidate.fileId)).toBeUndefined();
    expect(await h.ledger(first.fileId)).toMatchObject({ listed_size: "999", listed_at: "later" });
    expect(await h.stored(`${KEY}.r1`)).toBeNull();
    expect(await h.download(candidate)).toBe("unchanged");
  });

  it("with other bytes is a file of its own beside the first", async () => {
    let body = BYTES;
    const base = await h.serve((_request, response) => response.end(body));
    await h.download(discovered(base));
    await addCandidate();
    body = Buffer.from("other bytes");
    expect(await h.download(discovered(base, { revision: 1 }))).toBe("stored");
    expect(await h.stored(KEY)).toEqual(BYTES);
    expect(await h.stored(`${KEY}.r1`)).toEqual(body);
    expect(h.published.map(({ revision }) => revision)).toEqual([0, 1]);
  });
});

describe("a file on an FTP server", () => {
  const account = { username: "user", password: "secret", rejectUnauthorized: false };

  async function serveFtp(options: Omit<Parameters<typeof startLocalFtp>[0], "files">, listed = BYTES) {
    const server = await startLocalFtp({ files: { [NAME]: listed }, ...options });
    h.useChain(sampleChain(server.url, { ftp: { ...account, path: "/" } }));
    h.resolveBy(async (file) => ({ url: file.url, ftp: account }));
    return server;
  }

  it("is stored whole", async () => {
    const server = await serveFtp({});
    expect(await h.download(discovered(`${server.url}/${NAME}`, { sizeBytes: BYTES.length }))).toBe("stored");
    expect(await h.stored(KEY)).toEqual(BYTES);
    expect(h.published[0]?.sourceUrl).toBe(`${server.url}/${NAME}`);
    await server.close();
  });

  it("that comes short of its listed size is a failure that may pass", async () => {
    const server = await serveFtp({ sent: { [NAME]: BYTES.subarray(0, 5) } });
    const failed = h.download(discovered(`${server.url}/${NAME}`, { sizeBytes: BYTES.length }));
    await expect(failed).rejects.toThrow(new RegExp(`came short, 5 of ${BYTES.length} bytes`));
    await expect(failed).rejects.toBeInstanceOf(RetryableError);
    await server.close();
  });

  it("that was overwritten by a shorter one since the listing is taken as it is now", async () => {
    const server = await serveFtp({});
    expect(await h.download(discovered(`${server.url}/${NAME}`, { sizeBytes: 5_000 }))).toBe("stored");
    await server.close();
  });

  it("whose data would come from a private network is refused for good", async () => {
    const server = await serveFtp({ passiveAddress: "10.0.0.1" });
    await expect(h.download(discovered(`${server.url}/${NAME}`))).rejects.toBeInstanceOf(HostNotAllowedError);
    await server.close();
  });

  it("that is larger than allowed is refused for good", async () => {
    const server = await serveFtp({}, Buffer.alloc(3_000_000));
    await expect(h.download(discovered(`${server.url}/${NAME}`))).rejects.toBeInstanceOf(BodyTooLargeError);
    await server.close();
  });

  it("of a server that is gone is a failure that may pass", async () => {
    const server = await serveFtp({});
    await server.close();
    await expect(h.download(discovered(`${server.url}/${NAME}`))).rejects.toBeInstanceOf(HostUnreachableError);
  });
});
