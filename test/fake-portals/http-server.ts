import { createServer, type Server } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { openFile, type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import {
  type ChainOverride,
  type FakePortal,
  faultList,
  gather,
  LOOPBACK,
  type LoggedRequest,
  overrideFor,
  parallelGauge,
  type PortalChain,
  type PortalFault,
} from "./fake-portal.ts";

/** What an HTTP portal is built on: routes see the current files, everything else is done here. */
export interface HttpPortal extends Omit<FakePortal, "family" | "chainOverrides"> {
  files(): readonly PortalFile[];
  /** Answers with a file; a name in `requests` counts as served once it was sent whole. */
  sendFile(reply: FastifyReply, file: PortalFile, contentType?: string): FastifyReply;
}

/** Starts a server on loopback, port chosen by the system. `routes` adds the portal's own answers. */
export async function startHttpPortal(
  files: readonly PortalFile[],
  routes: (app: FastifyInstance, portal: HttpPortal) => void,
): Promise<HttpPortal> {
  const requests: LoggedRequest[] = [];
  const servedNames: string[] = [];
  const faults = faultList();
  const gauge = parallelGauge();
  const connections = parallelGauge();
  let published = [...files];
  let server: Server | undefined;
  let port = 0;

  const app = fastify({
    serverFactory: (handler) => {
      server = createServer(handler);
      return server.on("connection", (socket) => socket.once("close", connections.enter()));
    },
    // Some clients of the real portals send two slashes, and the portals accept it.
    routerOptions: { ignoreDuplicateSlashes: true, caseSensitive: false },
    exposeHeadRoutes: false,
  });
  observe(app, requests, gauge);
  injectFaults(app, faults, gauge);

  const portal: HttpPortal = {
    get url() {
      return `http://${LOOPBACK}:${port}/`;
    },
    requests,
    files: () => published,
    served: () => servedNames,
    peakParallel: gauge.peak,
    underWay: gauge.now,
    openConnections: connections.now,
    peakConnections: connections.peak,
    setFiles: (next) => {
      published = [...next];
    },
    addFault: faults.add,
    clearFaults: faults.clear,
    sendFile(reply, file, contentType = "application/octet-stream") {
      const size = sizeOf(file);
      if (size !== null) reply.header("content-length", size);
      reply.raw.once("finish", () => servedNames.push(file.name));
      return reply.type(contentType).send(openFile(file));
    },
    goDown: () => stopListening(server),
    comeBack: async () => {
      await listen(server, port);
    },
    close: async () => {
      await stopListening(server);
      await app.close();
    },
  };
  routes(app, portal);
  await app.ready();
  port = await listen(server, 0);
  return portal;
}

/** The running server under the name of its family, with the registry entry that leads to it. */
export function asFakePortal(
  portal: HttpPortal,
  family: string,
  chain: PortalChain,
  more: { basePath?: string; settings?: Record<string, unknown>; hosts?: readonly string[] } = {},
): FakePortal {
  const { basePath = "", hosts = [], settings } = more;
  const override = (): ChainOverride => {
    const entry = overrideFor(chain, family, portal.url + basePath, settings === undefined ? {} : { settings });
    const all = [...entry.hosts, ...hosts];
    return { ...entry, hosts: all, allowPrivateHosts: all };
  };
  return Object.assign(portal, { family, chainOverrides: () => ({ [chain.key]: override() }) });
}

/** The query of a request: single texts, empty where a parameter is missing. */
export function queryOf(request: FastifyRequest): (name: string) => string {
  const query = request.query as Record<string, string | string[] | undefined>;
  return (name) => {
    const value = query[name];
    return (Array.isArray(value) ? value[0] : value) ?? "";
  };
}

export function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).type("text/html").send("<html><h1>404 - File or directory not found.</h1></html>");
}

function observe(app: FastifyInstance, requests: LoggedRequest[], gauge: ReturnType<typeof parallelGauge>): void {
  app.addHook("onRequest", async (request, reply) => {
    const { method, url, headers } = request;
    const entry: LoggedRequest = { at: Date.now(), method, path: url, host: headers.host ?? "", status: null };
    requests.push(entry);
    const leave = gauge.enter();
    // "close" comes after the last byte and after a broken connection alike.
    reply.raw.once("close", () => {
      entry.status = reply.raw.headersSent ? reply.raw.statusCode : null;
      leave();
    });
  });
}

function injectFaults(
  app: FastifyInstance,
  faults: ReturnType<typeof faultList>,
  gauge: ReturnType<typeof parallelGauge>,
): void {
  const met = new WeakMap<FastifyRequest, PortalFault>();
  app.addHook("onRequest", async (request, reply) => {
    const fault = faults.take(request.url);
    if (!fault) return;
    met.set(request, fault);
    if (fault.kind === "gather") await gather(gauge, fault);
    const answered = answerFault(reply, fault);
    if (answered) return answered;
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const fault = met.get(request);
    if (fault?.kind === "rewrite") {
      const chunks: Buffer[] = [];
      for await (const chunk of chunksOf(payload as string | Buffer | Readable)) chunks.push(chunk);
      const text = fault.change(String(Buffer.concat(chunks)));
      reply.header("content-length", Buffer.byteLength(text));
      return text;
    }
    if (fault?.kind !== "truncate" && fault?.kind !== "slow" && fault?.kind !== "short") return payload;
    const body = payload as string | Buffer | Readable;
    if (fault.kind === "short") {
      reply.header("content-length", fault.bytes);
      return Readable.from(firstBytes(body, fault.bytes));
    }
    if (!(body instanceof Readable)) reply.header("content-length", Buffer.byteLength(body));
    return Readable.from(fault.kind === "truncate" ? cutBody(body, fault.afterBytes) : slowBody(body, fault));
  });
}

/** Answers in place of the portal; null for faults that only change the body. */
function answerFault(reply: FastifyReply, fault: PortalFault): FastifyReply | null {
  switch (fault.kind) {
    case "status":
      if (fault.retryAfterSeconds !== undefined) reply.header("retry-after", String(fault.retryAfterSeconds));
      return reply
        .code(fault.status)
        .type("text/html")
        .send(fault.body ?? `<html><h1>${fault.status}</h1></html>`);
    case "redirect":
      return reply.redirect(fault.to, 302);
    case "body":
      return reply.type(fault.contentType ?? "text/html").send(fault.body);
    case "huge-html":
      return reply.type("text/html").send(Readable.from(hugePage(fault.bytes ?? 500_000_000)));
    case "hang":
      return reply.hijack();
    case "drop":
      reply.hijack();
      reply.raw.destroy();
      return reply;
    default:
      return null;
  }
}

function* hugePage(bytes: number): Generator<Buffer> {
  yield Buffer.from("<!DOCTYPE html><html><body><p>");
  const block = Buffer.alloc(64 * 1024, "maintenance ");
  for (let sent = 0; sent < bytes; sent += block.length) yield block;
  yield Buffer.from("</p></body></html>");
}

async function* chunksOf(body: string | Buffer | Readable): AsyncGenerator<Buffer> {
  if (body instanceof Readable) for await (const chunk of body) yield Buffer.from(chunk as Buffer);
  else yield Buffer.from(body);
}

async function* cutBody(body: string | Buffer | Readable, afterBytes: number): AsyncGenerator<Buffer> {
  let left = afterBytes;
  for await (const chunk of chunksOf(body)) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    // An error in the stream makes the server break the connection, which is what a cut body looks like.
    if (left <= 0) throw new Error("cut on purpose");
  }
}

async function* firstBytes(body: string | Buffer | Readable, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of chunksOf(body)) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function* slowBody(
  body: string | Buffer | Readable,
  pace: { msPerChunk: number; chunkBytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunksOf(body)) {
    for (let start = 0; start < chunk.length; start += pace.chunkBytes) {
      await sleep(pace.msPerChunk);
      yield chunk.subarray(start, start + pace.chunkBytes);
    }
  }
}

function listen(server: Server | undefined, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    if (!server) return reject(new Error("no server"));
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function stopListening(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!server?.listening) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
