import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo } from "../fixtures/demo.ts";
import { createPipeline } from "../helpers/pipeline.ts";

test("a run says which portal could not be reached and loads the others; it fails when none could", async () => {
  const demo = createDemo({ products: 40 });
  const portals: DemoPortals = await startDemoPortals(demo);
  const pipeline = await createPipeline({ chains: portals.chainOverrides() });
  try {
    portals.publishUntil(demo.days[1]);
    await portals.portals.find(({ family }) => family === "cerberus")?.goDown();
    const partly = await pipeline.gogobe(["run", "--once", "--chains", portals.keys.join(",")]);
    expect(partly.code, partly.stderr).toBe(0);
    expect(partly.stdout).toMatch(/demo-alon: unreachable: .*127\.0\.0\.1/);
    expect(partly.stdout).toMatch(/files: \d+ loaded, 0 quarantined, 0 failed/);
    const none = await pipeline.gogobe(["crawl", "--once", "--chains", "demo-alon"]);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("no portal could be listed");
  } finally {
    await pipeline.close();
    await portals.close();
  }
});

test("the demo loads its two days exactly, prints them, and leaves nothing behind", async () => {
  const left = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("gogobe-demo-"));
  const before = await left();
  const pipeline = await createPipeline();
  const { code, stdout, stderr } = await pipeline.gogobe(["demo", "--json"]);
  expect(code, stderr).toBe(0);
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
  expect((await left()).filter((name) => !before.includes(name))).toEqual([]);
  await pipeline.close();
});
