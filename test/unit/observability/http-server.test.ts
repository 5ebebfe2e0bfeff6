import { Counter, Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import { UsageError } from "../../../shared/errors.ts";
import { type Check, type HttpServer, startHttpServer } from "../../../shared/observability/http-server.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(checks: Record<string, Check> = {}, registry = new Registry()): Promise<string> {
  const server = await startHttpServer({ host: "127.0.0.1", port: 0, registry, checks, checkTimeoutMs: 50 });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

describe("the HTTP server of a service", () => {
  it("serves the registry in Prometheus' format", async () => {
    const registry = new Registry();
    new Counter({ name: "gogobe_test_total", help: "a test", registers: [registry] }).inc(3);
    const response = await fetch(`${await start({}, registry)}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(await response.text()).toContain("gogobe_test_total 3");
  });

  it("is alive even when a check fails", async () => {
    const url = await start({ database: () => Promise.reject(new Error("down")) });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("is ready when every check passes", async () => {
    const response = await fetch(`${await start({ bus: () => Promise.resolve() })}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ready", checks: { bus: "ok" } });
  });

  it("answers 503 and names what fails, hangs or passes", async () => {
    const url = await start({
      bus: () => Promise.resolve(),
      database: () => Promise.reject(new Error("connection refused")),
      store: () => new Promise(() => undefined),
    });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "not ready",
      checks: { bus: "ok", database: "connection refused", store: "no answer within 50 ms" },
    });
  });

  it("shows no password of a failing check", async () => {
    const url = await start({ database: () => Promise.reject(new Error("no postgres://me:secret@db/gogobe?x=1")) });
    const text = await (await fetch(`${url}/readyz`)).text();
    expect(text).toContain("postgres://db/gogobe");
    expect(text).not.toContain("secret");
  });

  it("says which port is taken and what to do", async () => {
    const taken = Number(new URL(await start()).port);
    const attempt = startHttpServer({ host: "127.0.0.1", port: taken, registry: new Registry(), checks: {} });
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(String(taken));
  });
});
