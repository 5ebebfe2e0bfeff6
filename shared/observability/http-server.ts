import { fastify } from "fastify";
import type { Registry } from "prom-client";
import { errorMessage, UsageError } from "../errors.ts";
import { redactUrlsIn } from "./redact-text.ts";

/** Rejects when the thing named cannot be used. */
export type Check = () => Promise<void>;

export interface HttpServerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  registry: Registry;
  /** By name: what must work before this process should get work ("database", "bus", "store"). */
  checks: Record<string, Check>;
  /** A check that takes longer counts as failed. */
  checkTimeoutMs?: number;
}

export interface HttpServer {
  port: number;
  close(): Promise<void>;
}

const CHECK_TIMEOUT_MS = 3_000;

/**
 * `/metrics` for Prometheus, `/healthz` (the process is alive) and `/readyz` (every check passes; 503 and the names of those that
 * do not).
 * @throws {UsageError} when the port cannot be listened on
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, registry, checks, checkTimeoutMs = CHECK_TIMEOUT_MS } = options;
  // A probe that is kept open must not hold up the shutdown.
  const server = fastify({ logger: false, forceCloseConnections: true });
  server.get("/metrics", async (_request, reply) => {
    await reply.type(registry.contentType).send(await registry.metrics());
  });
  server.get("/healthz", async () => ({ status: "alive" }));
  server.get("/readyz", async (_request, reply) => {
    const results = await runChecks(checks, checkTimeoutMs);
    const ready = Object.values(results).every((result) => result === "ok");
    await reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready", checks: results });
  });
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    throw new UsageError(`cannot listen on ${host}:${port}: ${errorMessage(cause)}`, {
      cause,
      hint: "choose another GOGOBE_HTTP_PORT, or 0 for a free one",
    });
  }
  const address = server.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => await server.close(),
  };
}

/** Every check at once: its name with "ok" or what is wrong. */
async function runChecks(checks: Record<string, Check>, timeoutMs: number): Promise<Record<string, string>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await runCheck(check, timeoutMs)] as const),
  );
  return Object.fromEntries(results);
}

async function runCheck(check: Check, timeoutMs: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
  });
  try {
    return await Promise.race([check().then(() => "ok"), timeout]);
  } catch (error) {
    return redactUrlsIn(errorMessage(error));
  } finally {
    clearTimeout(timer);
  }
}
