import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { generate } from "selfsigned";
// ftp-srv is CommonJS without types that its own export map agrees with: only what is used here is declared.
interface FtpSrv {
  on(
    event: "login",
    listener: (
      data: { username: string; password: string },
      resolve: (config: unknown) => void,
      reject: (error: Error) => void,
    ) => void,
  ): void;
  listen(): Promise<void>;
  close(): Promise<void>;
}
type FtpSrvConstructor = new (options: Record<string, unknown>) => FtpSrv;

export interface LocalFtpOptions {
  files: Record<string, Buffer>;
  /** What RETR sends in place of the file; SIZE and LIST still tell of the whole. */
  sent?: Record<string, Buffer>;
  /** The address that PASV names; EPSV is refused then. */
  passiveAddress?: string;
  blacklist?: string[];
  /** RETR sends the first bytes and then nothing. */
  silent?: boolean;
}

export interface LocalFtp {
  url: string;
  logins: number;
  close(): Promise<void>;
}

/** A small FTP server with explicit TLS and a certificate of its own, user `user` with the password `secret`. */
export async function startLocalFtp(options: LocalFtpOptions): Promise<LocalFtp> {
  const { FtpSrv, FileSystem } = createRequire(import.meta.url)("ftp-srv") as {
    FtpSrv: FtpSrvConstructor;
    FileSystem: new (connection: unknown, options: unknown) => object;
  };
  const certificate = await generate([{ name: "commonName", value: "127.0.0.1" }]);
  const port = await freePort();
  const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
  const passive = options.passiveAddress;
  const server = new FtpSrv({
    url: `ftp://127.0.0.1:${port}`,
    pasv_url: passive === undefined ? "127.0.0.1" : () => passive,
    anonymous: false,
    blacklist: [...(options.blacklist ?? []), ...(passive === undefined ? [] : ["EPSV"])],
    tls: { key: certificate.private, cert: certificate.cert },
    log: quiet,
  });
  const local: LocalFtp = { url: `ftp://127.0.0.1:${port}`, logins: 0, close: () => server.close() };
  const stat = (name: string, bytes: Buffer) => ({
    name,
    size: bytes.length,
    mode: 0o100644,
    mtime: new Date("2026-01-02T00:00:00Z"),
    isDirectory: () => false,
    isFile: () => true,
  });
  server.on("login", ({ username, password }, resolve, reject) => {
    if (username !== "user" || password !== "secret") return reject(new Error("no such user"));
    local.logins++;
    const fs = new FileSystem(undefined, { root: "/", cwd: "/" });
    Object.assign(fs, {
      list: async () => Object.entries(options.files).map(([name, bytes]) => stat(name, bytes)),
      get: async (path: string) =>
        path === "/" || path === "."
          ? { ...stat(path, Buffer.alloc(0)), isDirectory: () => true, isFile: () => false }
          : stat(path, fileAt(path)),
      read: async (path: string) => {
        const bytes = options.sent?.[nameOf(path)] ?? fileAt(path);
        if (options.silent !== true) return Readable.from([bytes], { objectMode: false });
        return new Readable({
          read() {},
          construct(done) {
            this.push(bytes);
            done();
          },
        });
      },
    });
    resolve({ fs });
  });
  await server.listen();
  return local;

  function fileAt(path: string): Buffer {
    const bytes = options.files[nameOf(path)];
    if (!bytes) throw Object.assign(new Error("no such file"), { code: 550 });
    return bytes;
  }
}

function nameOf(path: string): string {
  return path.replace(/^.*\//, "");
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
