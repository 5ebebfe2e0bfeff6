import { afterAll, beforeAll, expect, test } from "vitest";
import { readCircuits } from "../../../shared/net/host-circuits-table.ts";
import { createPortalAccess } from "../../../shared/net/portal-access.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import { startNetivHesed } from "../../fake-portals/netiv-hesed.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

test("a host that is left alone is known to every process, with the time of the next try, until it answers again", async () => {
  const portal = await startNetivHesed([]);
  const { host } = new URL(portal.url);
  const chain = chainOn("netiv-hesed", { baseUrl: portal.url, hosts: [], allowPrivateHosts: ["127.0.0.1"] });
  const settings = { listingAttempts: 2, circuitFailures: 2, circuitOpenMs: 50, retryInitialMs: 1, retryMaxMs: 2 };
  const deps = { db: database.pool, log: createLog({ level: "silent" }), metrics: createMetrics(), settings };
  const access = createPortalAccess(deps);
  const { http } = access.forChain(chain);
  try {
    await portal.goDown();
    const before = new Date();
    await expect(http.text(portal.url)).rejects.toThrow(/refused/);
    await expect
      .poll(() => readCircuits(database.pool, before))
      .toMatchObject([{ host, state: "open", error: expect.stringContaining("refused") }]);
    const [circuit] = await readCircuits(database.pool, before);
    expect(circuit?.retryAt.getTime()).toBeGreaterThan(before.getTime());
    // What any other process reads once that time has come: the next request is let through.
    expect(await readCircuits(database.pool, circuit?.retryAt)).toMatchObject([{ host, state: "half-open" }]);

    await portal.comeBack();
    await expect.poll(() => http.text(portal.url).catch(() => "")).toContain("<table>");
    await expect.poll(() => readCircuits(database.pool)).toEqual([]);
  } finally {
    await access.close();
    await portal.close();
  }
});

test("a circuit that cannot be noted fails no request", async () => {
  const portal = await startNetivHesed([]);
  const chain = chainOn("netiv-hesed", { baseUrl: portal.url, allowPrivateHosts: ["127.0.0.1"] });
  const settings = { listingAttempts: 2, circuitFailures: 1, circuitOpenMs: 1, retryInitialMs: 5, retryMaxMs: 10 };
  await database.pool.query("DROP TABLE host_circuits");
  const deps = { db: database.pool, log: createLog({ level: "silent" }), metrics: createMetrics(), settings };
  const access = createPortalAccess(deps);
  portal.addFault({ kind: "status", status: 500, times: 1 });
  expect(await access.forChain(chain).http.text(portal.url)).toContain("<table>");
  await access.close();
  await portal.close();
});
