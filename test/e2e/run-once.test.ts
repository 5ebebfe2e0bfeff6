import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DemoPortals, startDemoPortals } from "../fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../fixtures/demo.ts";
import { expectDemoTruth } from "../helpers/demo-truth.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

describe("gogobe run --once over three chains on two local portals", () => {
  let demo: Demo;
  let portals: DemoPortals;
  let pipeline: Pipeline;
  let run: () => Promise<Record<string, unknown>>;

  beforeAll(async () => {
    demo = createDemo({ seed: "run-once", products: 150 });
    portals = await startDemoPortals(demo);
    pipeline = await createPipeline({ chains: portals.chainOverrides() });
    const args = ["run", "--once", "--json", "--chains", portals.keys.join(","), "--since", demo.days[0]];
    run = async () => JSON.parse(await pipeline.must(args)) as Record<string, unknown>;
    for (const day of demo.days) {
      portals.publishUntil(day);
      await run();
    }
  });
  afterAll(async () => {
    await pipeline.close();
    await portals.close();
  });

  test("loads everything that the portals publish", () => expectDemoTruth(pipeline, demo.truth));

  test("fetches every file once", () => {
    expect(portals.servedCount()).toBe(demo.truth.files);
  });

  test("finds the cheapest chain of every product that several chains sell", async () => {
    const rows = await pipeline.query<{ gtin: string; price: string; chain: string }>(
      "SELECT gtin, price::text, chain FROM cheapest_now WHERE chains > 1 ORDER BY gtin",
    );
    const expected = demo.truth.cheapest;
    expect(rows.map((row) => [row.gtin, Number(row.price)])).toEqual(expected.map((e) => [e.gtin, Number(e.price)]));
    const wrong = rows.filter((row, index) => !expected[index]?.chains.includes(row.chain));
    expect(wrong).toEqual([]);
  });

  test("has the whole way of a price: batch, file, object and portal address", async () => {
    const [lineage] = await pipeline.query(
      `SELECT count(*)::int AS prices,
         count(*) FILTER (WHERE f.object_uri LIKE 's3://%' AND f.source_url <> '' AND f.source_url NOT LIKE '%sig=%'
           AND EXISTS (SELECT FROM batches b WHERE b.file_id = f.file_id))::int AS traced
       FROM prices p LEFT JOIN files f USING (file_id)`,
    );
    expect(lineage).toEqual({ prices: lineage?.["prices"], traced: lineage?.["prices"] });
    expect(lineage?.["prices"]).toBeGreaterThan(0);
  });

  test("downloads and loads nothing twice when it is run again", async () => {
    const before = await pipeline.exportTables();
    const [batches] = await pipeline.query("SELECT count(*) FROM batches");
    const served = portals.servedCount();
    await run();
    expect(portals.servedCount()).toBe(served);
    expect(await pipeline.query("SELECT count(*) FROM batches")).toEqual([batches]);
    expect(await pipeline.exportTables()).toEqual(before);
  });
});
