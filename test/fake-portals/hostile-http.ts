import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { LOOPBACK } from "./fake-portal.ts";

/** What a hostile server does with one request. It may go on until the connection is closed. */
export type Hostility = (request: IncomingMessage, response: ServerResponse) => void;

export interface HostileServer {
  /** `http://127.0.0.1:<port>/` */
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A server on loopback that answers every path its own way, `*` where no path is named. */
export async function startHostileHttp(paths: Readonly<Record<string, Hostility>>): Promise<HostileServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    const answer = paths[path] ?? paths["*"];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  const url = await listening(server);
  return {
    url,
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** A server that writes what it likes onto the bare connection, whatever is asked. */
export async function startHostileTcp(answer: (socket: Socket) => void): Promise<HostileServer> {
  const requests: string[] = [];
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => open.delete(socket));
    socket.once("data", (head) => {
      requests.push(head.toString("latin1").split(" ")[1] ?? "");
      answer(socket);
    });
  });
  const url = await listening(server);
  return {
    url,
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** An address of loopback where nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createTcpServer();
  const url = await listening(server);
  await new Promise((closed) => server.close(closed));
  return url;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((ready, failed) => {
    server.once("error", failed);
    server.listen(0, LOOPBACK, ready);
  });
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/`;
}

/** Answers with headers, then one byte at a time with this pause, without end. */
export const drips =
  (msPerByte = 30_000): Hostility =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.write("<");
    const timer = setInterval(() => response.write("h"), msPerByte);
    response.once("close", () => clearInterval(timer));
  };

/** Never answers. */
export const hangs: Hostility = () => undefined;

/** Announces more bytes than it sends, and breaks the connection. */
export const sendsLess =
  (body: Buffer | string, announced = Buffer.byteLength(body) * 2): Hostility =>
  (_request, response) => {
    response.writeHead(200, { "content-length": announced });
    response.write(body, () => response.destroy());
  };

/** Says that a body is compressed that is not, or is cut short. */
export const liesAboutGzip =
  (body: Buffer): Hostility =>
  (_request, response) =>
    void response.writeHead(200, { "content-encoding": "gzip", "content-type": "text/html" }).end(body);

export const redirectsTo =
  (location: string): Hostility =>
  (_request, response) =>
    void response.writeHead(302, { location }).end();

export const answers =
  (body: string | Buffer, contentType = "text/html; charset=utf-8"): Hostility =>
  (_request, response) =>
    void response.writeHead(200, { "content-type": contentType }).end(body);

/** Sends `start`, then `more` over and over until so many bytes went out. */
export const floods =
  (start: string, more: string, bytes: number): Hostility =>
  (_request, response) => {
    response.writeHead(200, { "content-type": start.startsWith("[") ? "application/json" : "text/html" });
    pipeline(Readable.from(repeated(start, more, bytes)), response, () => undefined);
  };

/** A compressed body that expands to `bytes`: members of 16 MB one after another, so that it costs the test nothing. */
export const bombs =
  (bytes: number): Hostility =>
  (_request, response) => {
    const member = gzipSync(Buffer.alloc(16_000_000, "<p>"), { level: 9 });
    response.writeHead(200, { "content-encoding": "gzip", "content-type": "text/html" });
    pipeline(Readable.from(repeatedBuffers(member, bytes / 16_000_000)), response, () => undefined);
  };

function* repeated(start: string, more: string, bytes: number): Generator<Buffer> {
  yield Buffer.from(start);
  const block = Buffer.from(more.repeat(Math.ceil(64_000 / more.length)));
  for (let sent = 0; sent < bytes; sent += block.length) yield block;
}

function* repeatedBuffers(member: Buffer, times: number): Generator<Buffer> {
  for (let sent = 0; sent < times; sent++) yield member;
}

/** Sends the headers themselves one byte at a time. */
export function dripsHeaders(msPerByte: number): (socket: Socket) => void {
  return (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
    const timer = setInterval(() => socket.write("x"), msPerByte);
    socket.once("close", () => clearInterval(timer));
  };
}

/** Announces fewer bytes than it sends. */
export function sendsMore(body: Buffer | string, announced: number): (socket: Socket) => void {
  return (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${announced}\r\n\r\n`);
    socket.end(body);
  };
}

/** The page of a portal that lists its files in a table (the layout of netiv-hesed). */
export function tablePage(names: readonly string[]): string {
  const rows = names.map((name) => `<tr><td><a href="/prices/${name}">file</a></td><td>1.0 KB</td></tr>`);
  return `<html><body><table><tr><th>File</th><th>Size</th></tr>${rows.join("")}</table></body></html>`;
}

export const LOGIN_PAGE = `<!DOCTYPE html><html><head><title>Sign in</title></head><body><table><tr><td>Sign in to continue</td></tr>
<tr><td><form method="post"><input name="user"><input type="password" name="password"><button>Go</button></form></td></tr></table></body></html>`;
