import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { startCerberus } from "../fake-portals/cerberus.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createDemo } from "../fixtures/demo.ts";
import { type Service, startService } from "../helpers/command.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const STAGES = [["write"], ["parse"], ["download"], ["crawl", "--chains", "demo-alon"]];

describe("the stages as separate processes on one home", () => {
  let pipeline: Pipeline;
  let portal: FakePortal;
  let files: readonly PortalFile[];
  let services: Service[];

  beforeAll(async () => {
    const alon = createDemo({ products: 40 }).chains.find(({ chain }) => chain.key === "demo-alon");
    if (alon === undefined) throw new Error("the demo has no such chain");
    files = alon.files;
    const chain = { ...alon.chain, chainIds: [alon.chain.chainId] };
    portal = await startCerberus(files, { accounts: [{ chain, username: chain.key }] });
    pipeline = await createPipeline({ chains: portal.chainOverrides(), embedded: true });
    services = [];
    for (const args of STAGES) services.push(await startService(args, pipeline.env));
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.kill()));
    await pipeline.close();
    await portal.close();
  });

  test("each answers on /healthz, /readyz and /metrics", async () => {
    for (const { port } of services) {
      const answer = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
      expect((await answer("/healthz")).status).toBe(200);
      expect(await (await answer("/readyz")).json()).toEqual({
        status: "ready",
        checks: { database: "ok", bus: "ok", store: "ok" },
      });
      expect(await (await answer("/metrics")).text()).toContain("gogobe_files_total");
    }
  });

  test("together they load what the portal publishes", async () => {
    const pool = await pipeline.pool();
    const count = async () => {
      const { rows } = await pool.query<{ loaded: number }>(
        "SELECT count(*)::int AS loaded FROM files WHERE status = 'loaded'",
      );
      return rows[0]?.loaded;
    };
    await expect.poll(count, { timeout: 60_000, interval: 200 }).toBe(files.length);
    await pool.end();
  });

  test("the first SIGTERM drains, and each ends with 0", async () => {
    const codes = await Promise.all(services.map((service) => service.stop()));
    expect(codes).toEqual([0, 0, 0, 0]);
  });
});
