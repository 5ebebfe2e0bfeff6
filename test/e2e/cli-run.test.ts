import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FakeCerberus, startCerberus } from "../fake-portals/cerberus.ts";
import { startShufersal } from "../fake-portals/shufersal.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

interface RunResult {
  crawl: { filesNew: number; published: number };
  files: Record<string, number>;
}

describe("run --once against local portals", () => {
  let demo: Demo;
  let cerberus: FakeCerberus;
  let portals: FakePortal[];
  let pipeline: Pipeline;
  let keys: string;
  let first: RunResult;

  const run = async (): Promise<RunResult> =>
    JSON.parse(await pipeline.must(["run", "--once", "--chains", keys, "--json"])) as RunResult;

  beforeAll(async () => {
    demo = createDemo({ products: 60 });
    keys = demo.chains.map(({ chain }) => chain.key).join(",");
    const chainOf = ({ chain }: Demo["chains"][number]) => ({ ...chain, chainIds: [chain.chainId] });
    const of = (portal: string) => demo.chains.filter((chain) => chain.portal === portal);
    cerberus = await startCerberus(
      of("cerberus").flatMap((chain) => chain.files),
      { accounts: of("cerberus").map((chain) => ({ chain: chainOf(chain), username: chain.chain.key })) },
    );
    portals = [cerberus];
    for (const chain of of("shufersal")) portals.push(await startShufersal(chain.files, { chain: chainOf(chain) }));
    pipeline = await createPipeline({ chains: Object.assign({}, ...portals.map((portal) => portal.chainOverrides())) });
    first = await run();
  });
  afterAll(async () => {
    await pipeline.close();
    await Promise.all(portals.map((portal) => portal.close()));
  });

  test("loads everything that the portals list", async () => {
    expect(first).toMatchObject({ crawl: { filesNew: demo.truth.files }, files: { loaded: demo.truth.files } });
    const [counts] = await pipeline.query(
      `SELECT (SELECT count(*)::int FROM prices WHERE delisted_at IS NULL) AS prices,
        (SELECT count(*)::int FROM prices WHERE delisted_at IS NOT NULL) AS delisted,
        (SELECT count(*)::int FROM price_history) AS history,
        (SELECT sum(price)::text FROM prices WHERE delisted_at IS NULL) AS sum,
        (SELECT count(*)::int FROM promotions WHERE withdrawn_at IS NULL) AS promotions`,
    );
    const { truth } = demo;
    expect(counts).toEqual({
      prices: truth.currentPrices,
      delisted: truth.delisted,
      history: truth.historyPoints,
      sum: truth.sumCurrentPrices,
      promotions: truth.currentPromotions,
    });
  });

  test("downloads and loads nothing twice when it is run again", async () => {
    const before = await pipeline.exportTables();
    const served = portals.map((portal) => portal.served().length);
    expect(await run()).toMatchObject({ crawl: { filesNew: 0, published: 0 }, files: {} });
    expect(portals.map((portal) => portal.served().length)).toEqual(served);
    expect(await pipeline.exportTables()).toEqual(before);
  });

  test("says which portal could not be reached, and fails when none could", async () => {
    await cerberus.goDown();
    try {
      const partly = await pipeline.gogobe(["run", "--once", "--chains", keys]);
      expect(partly.code).toBe(0);
      expect(partly.stdout).toMatch(/demo-alon: unreachable/);
      const none = await pipeline.gogobe(["crawl", "--once", "--chains", "demo-alon"]);
      expect(none.code).toBe(1);
    } finally {
      await cerberus.comeBack();
    }
  });
});

describe("demo", () => {
  test("loads its two days exactly, prints them, and leaves nothing behind", async () => {
    const left = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("gogobe-demo-"));
    const before = await left();
    const pipeline = await createPipeline();
    const { code, stdout, stderr } = await pipeline.gogobe(["demo", "--json"]);
    expect(stderr).not.toContain("gogobe:");
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown> & { days: [string, string]; cheapest: unknown[] };
    const { truth } = createDemo({ today: report.days[1] });
    expect(report).toMatchObject({
      files: truth.files,
      stores: truth.stores,
      items: truth.items,
      prices: truth.currentPrices,
      delisted: truth.delisted,
      historyPoints: truth.historyPoints,
      promotions: truth.currentPromotions,
    });
    expect(report.cheapest.length).toBeGreaterThan(3);
    expect(await left()).toEqual(before);
    await pipeline.close();
  });
});
