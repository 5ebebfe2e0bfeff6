import { Writable } from "node:stream";
import { parseList } from "basic-ftp";
import { afterEach, describe, expect, it } from "vitest";
import { isUnknownCommand, openFtp, remoteFiles } from "../../../shared/net/ftp-client.ts";
import { createFtpPool } from "../../../shared/net/ftp-pool.ts";
import { createHostPolicy, HostNotAllowedError } from "../../../shared/net/host-policy.ts";
import { HostTimeoutError, HostUnreachableError, PortalStatusError } from "../../../shared/net/net-errors.ts";
import { NET_DEFAULTS } from "../../../shared/net/net-settings.ts";
import { type LocalFtp, type LocalFtpOptions, startLocalFtp } from "./local-ftp.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const FILE = "PriceFull7290000000015-001-202601020010.gz";
const account = { username: "user", password: "secret", rejectUnauthorized: false };
const never = new AbortController().signal;

async function serve(options: Partial<LocalFtpOptions> = {}): Promise<LocalFtp> {
  const server = await startLocalFtp({ files: { [FILE]: Buffer.alloc(200_000, "x") }, ...options });
  closers.push(() => server.close());
  return server;
}

function policyFor(server: LocalFtp) {
  return createHostPolicy({ key: "sample", baseUrl: server.url, hosts: [], allowPrivateHosts: ["127.0.0.1"] });
}

async function open(
  server: LocalFtp,
  options: { idleTimeoutMs?: number; signal?: AbortSignal; login?: typeof account } = {},
) {
  const times = { ...NET_DEFAULTS, idleTimeoutMs: options.idleTimeoutMs ?? 5_000, connectTimeoutMs: 5_000 };
  const signal = options.signal ?? never;
  const connection = await openFtp(new URL(server.url), options.login ?? account, policyFor(server), times, signal);
  closers.push(() => connection.close());
  return connection;
}

function counter() {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes.count += chunk.length;
      done();
    },
  });
  const bytes = { count: 0, sink };
  return bytes;
}

describe("an FTP connection with explicit TLS", () => {
  it("lists files with their sizes and downloads one after another", async () => {
    const connection = await open(await serve());
    expect(await connection.list("/", "LIST")).toEqual([{ name: FILE, size: 200_000, modifiedAt: null }]);
    for (let n = 0; n < 2; n++) {
      const bytes = counter();
      await connection.download(`/${FILE}`, bytes.sink);
      expect(bytes.count).toBe(200_000);
    }
    expect(await connection.size(`/${FILE}`)).toBe(200_000);
  });

  it("tells a server that does not know MLSD from one that fails", async () => {
    const refused = await (await open(await serve())).list("/", "MLSD").catch((error: unknown) => error);
    expect(isUnknownCommand(refused)).toBe(true);
    const missing = await (await open(await serve())).list("/gone", "LIST").catch((error: unknown) => error);
    expect(isUnknownCommand(missing)).toBe(false);
  });

  it("works over PASV where the server has no EPSV", async () => {
    const connection = await open(await serve({ passiveAddress: "127.0.0.1" }));
    expect(await connection.list("/", "LIST")).toHaveLength(1);
  });

  it.each(["10.0.0.1", "127.0.0.2", "169.254.169.254", "8.8.8.8"])(
    "refuses data from %s, which the server named in its PASV answer",
    async (passiveAddress) => {
      const connection = await open(await serve({ passiveAddress }));
      await expect(connection.list("/", "LIST")).rejects.toThrow(HostNotAllowedError);
      expect(connection.closed).toBe(true);
    },
  );

  it("checks the certificate when the registry says so", async () => {
    const running = open(await serve(), { login: { ...account, rejectUnauthorized: true } });
    await expect(running).rejects.toThrow(HostUnreachableError);
  });

  it("names a refused login and a missing file with the reply code", async () => {
    const server = await serve();
    await expect(open(server, { login: { ...account, username: "other" } })).rejects.toMatchObject({ status: 530 });
    const connection = await open(server);
    const missing = connection.download("/gone.gz", counter().sink);
    await expect(missing).rejects.toBeInstanceOf(PortalStatusError);
  });

  it("gives up a transfer that falls silent", async () => {
    const connection = await open(await serve({ silent: true }), { idleTimeoutMs: 200 });
    await expect(connection.download(`/${FILE}`, counter().sink)).rejects.toThrow(HostTimeoutError);
  });

  it("ends a transfer when the caller gives up", async () => {
    const caller = new AbortController();
    const connection = await open(await serve({ silent: true }), { signal: caller.signal });
    const running = connection.download(`/${FILE}`, counter().sink);
    caller.abort(new Error("shut down"));
    await expect(running).rejects.toThrow("shut down");
    expect(connection.closed).toBe(true);
  });

  it("is refused for a name that stands for a private address", async () => {
    const server = await serve();
    const policy = createHostPolicy(
      { key: "sample", baseUrl: "ftp://files.example.net", hosts: [], allowPrivateHosts: [] },
      async () => [{ address: "127.0.0.1", family: 4 }],
    );
    const url = new URL(server.url.replace("127.0.0.1", "files.example.net"));
    const times = { ...NET_DEFAULTS, idleTimeoutMs: 1_000, connectTimeoutMs: 1_000 };
    await expect(openFtp(url, account, policy, times, never)).rejects.toThrow(HostNotAllowedError);
    expect(server.logins).toBe(0);
  });
});

describe("entries of a listing", () => {
  it("are files with their time by MLSD, and without one where the server gives none", () => {
    const lines = [
      "type=file;size=187; Promo7290000000015-001-202601020800.gz",
      "type=file;size=48211;modify=20260102001105; PriceFull7290000000015-001-202601020010.gz",
      "type=dir; archive",
    ];
    expect(remoteFiles(parseList(lines.join("\r\n")), "MLSD")).toEqual([
      { name: "Promo7290000000015-001-202601020800.gz", size: 187, modifiedAt: null },
      { name: FILE, size: 48_211, modifiedAt: "2026-01-02T00:11:05.000Z" },
    ]);
  });

  it("have no time by LIST, whose text changes with the age of a file", () => {
    const line = `-rw-r--r-- 1 ftp ftp 48211 Jan 02 00:11 ${FILE}`;
    expect(remoteFiles(parseList(line), "LIST")).toEqual([{ name: FILE, size: 48_211, modifiedAt: null }]);
  });
});

describe("kept FTP connections", () => {
  it("are used again without a new login, and replaced when the server closed them", async () => {
    const server = await serve();
    const pool = createFtpPool();
    closers.push(() => pool.close());
    const times = { ...NET_DEFAULTS, idleTimeoutMs: 5_000, connectTimeoutMs: 5_000 };
    const use = () =>
      pool.use(
        { name: "a", host: server.url, limit: 1 },
        never,
        (life) => openFtp(new URL(server.url), account, policyFor(server), times, life),
        async (connection) => {
          await connection.list("/", "LIST");
          return connection;
        },
      );
    const first = await use();
    expect(await use()).toBe(first);
    expect(server.logins).toBe(1);
    first.close();
    expect(await use()).not.toBe(first);
    expect(server.logins).toBe(2);
  });
});
