import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PermanentError } from "../../../shared/errors.ts";
import { createPortalAccess, type PortalAccessDeps } from "../../../shared/net/portal-access.ts";
import { HostBusyError, HostUnreachableError } from "../../../shared/net/net-errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { startLocalFtp } from "../../unit/net/local-ftp.ts";
import { NAME, sampleChain } from "./harness.ts";

let database: TestDatabase;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await database.drop();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function openAccess(changes: Partial<PortalAccessDeps> = {}) {
  const metrics = createMetrics();
  const access = createPortalAccess({
    db: database.pool,
    log: createLog({ level: "silent" }),
    metrics,
    ...changes,
    settings: { retryInitialMs: 1, retryMaxMs: 20, ...changes.settings },
  });
  closers.push(() => access.close());
  return { access, metrics };
}

describe("the door to a portal", () => {
  it("is one per chain while somebody uses it: the second step of a link has the cookies of the first", async () => {
    const base = await serve((request, response) => {
      if (request.url === "/first") response.setHeader("set-cookie", "session=1; Path=/");
      response.end(request.headers.cookie ?? "none");
    });
    const { access } = openAccess();
    const downloader = access.forChain(sampleChain(base));
    const family = access.forChain(sampleChain(base));
    await family.http.text(`${base}/first`);
    await family.close();
    await family.close();
    const second = await downloader.httpFile(`${base}/second`, {}, async ({ body }) => {
      const parts: Buffer[] = [];
      for await (const part of body) parts.push(part as Buffer);
      return Buffer.concat(parts).toString();
    });
    expect(second).toBe("session=1");
    await downloader.close();
    expect(await access.forChain(sampleChain(base)).http.text(`${base}/second`)).toBe("none");
  });

  it("never asks one host for more at once than the smallest limit of the chains that share it", async () => {
    let now = 0;
    let most = 0;
    const base = await serve((_request, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        response.end("x");
      }, 10);
    });
    const chains = [
      sampleChain(base, { key: "gentle", maxParallel: 2 }),
      sampleChain(base, { key: "eager", maxParallel: 9 }),
    ];
    const registry = { all: () => chains };
    // Two processes of the fleet, each with both chains.
    const members = [openAccess({ chains: registry }), openAccess({ chains: registry })];
    const requests = members.flatMap(({ access }) =>
      chains.flatMap((chain) => {
        const { http } = access.forChain(chain);
        return Array.from({ length: 5 }, () => http.text(base));
      }),
    );
    await Promise.all(requests);
    expect(most).toBe(2);
  });

  it("tries a failing listing again, then leaves the host alone and shows it", async () => {
    let requests = 0;
    const base = await serve((_request, response) => {
      requests++;
      response.writeHead(500).end();
    });
    const { access, metrics } = openAccess({ settings: { listingAttempts: 3, circuitFailures: 3 } });
    const { http } = access.forChain(sampleChain(base));
    await expect(http.text(base)).rejects.toThrow(/answered with an error \(status 500\)/);
    expect(requests).toBe(3);
    await expect(http.text(base)).rejects.toBeInstanceOf(HostBusyError);
    expect(requests).toBe(3);
    const host = new URL(base).host;
    expect(access.circuits()).toEqual([{ host, state: "open" }]);
    expect(await metrics.registry.metrics()).toContain(`gogobe_host_circuit_open{host="${host}"} 1`);
  });

  it("gives its slot back when a request fails", async () => {
    const base = await serve((request, response) => {
      if (request.url === "/bad") response.destroy();
      else response.end("fine");
    });
    const { access } = openAccess({ settings: { listingAttempts: 1, slotWaitMs: 3_000 } });
    const { http } = access.forChain(sampleChain(base, { maxParallel: 1 }));
    await expect(http.text(`${base}/bad`)).rejects.toBeInstanceOf(HostUnreachableError);
    expect(await http.text(`${base}/good`)).toBe("fine");
  });

  it("lists an FTP server that refuses MLSD, and does not ask for it twice", async () => {
    const server = await startLocalFtp({ files: { [NAME]: Buffer.from("bytes") } });
    closers.push(() => server.close());
    const ftp = { username: "user", password: "secret", path: "/", rejectUnauthorized: false };
    const { access } = openAccess();
    const session = access.forChain(sampleChain(server.url, { ftp }));
    expect(await session.ftp.list("/")).toEqual([{ name: NAME, size: 5, modifiedAt: null }]);
    expect(server.logins).toBe(2);
    expect(await session.ftp.list("/")).toHaveLength(1);
    expect(server.logins).toBe(2);
  });

  it("says so when a chain has no FTP account, or wants FTP through a proxy", async () => {
    const { access } = openAccess();
    const without = access.forChain(sampleChain("ftp://127.0.0.1/"));
    await expect(without.ftp.list("/")).rejects.toThrow(/has no FTP account/);
    const ftp = { username: "user", password: "secret", path: "/", rejectUnauthorized: false };
    const proxied = access.forChain(sampleChain("ftp://127.0.0.1/", { key: "proxied", ftp, proxy: "http://p:1" }));
    await expect(proxied.ftp.list("/")).rejects.toBeInstanceOf(PermanentError);
  });

  it("ends what is under way when the caller gives up", async () => {
    const caller = new AbortController();
    const base = await serve(() => caller.abort(new Error("shut down")));
    const { http } = openAccess().access.forChain(sampleChain(base), caller.signal);
    await expect(http.text(base)).rejects.toThrow("shut down");
  });
});
