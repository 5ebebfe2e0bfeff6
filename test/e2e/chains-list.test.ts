import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sampleFilesOf } from "../../cli/sample-files.ts";
import { startCerberus } from "../fake-portals/cerberus.ts";
import type { FakePortal, PortalChain } from "../fake-portals/fake-portal.ts";
import { startHaziHinam } from "../fake-portals/hazi-hinam.ts";
import { startMeshnatYosef } from "../fake-portals/meshnat-yosef-worker.ts";
import { startNetivHesed } from "../fake-portals/netiv-hesed.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const named = (key: string, chainId: string): PortalChain => ({ key, nameEn: key, nameHe: key, chainIds: [chainId] });
const FULL = named("full", "7299900000101");
const EMPTY = named("empty", "7299900000118");
const CHANGED = named("changed", "7299900000125");
/** Three chains on one host, as thirteen are at the real portal of this kind. */
const DOWN = ["down-1", "down-2", "down-3"].map((key, index) => named(key, `729990000013${index}`));

interface Listed {
  chain: string;
  listing: string | null;
  listed: number | null;
  detail: string | null;
  circuit: string;
  retry_at: string | null;
}

let pipeline: Pipeline;
let portals: FakePortal[];
let crawledAt: number;

beforeAll(async () => {
  const full = await startMeshnatYosef(
    sampleFilesOf({ ...FULL, chainIds: [...FULL.chainIds], portal: "meshnat-yosef-worker" }, new Date()),
    {
      chain: FULL,
    },
  );
  const empty = await startHaziHinam([], { chain: EMPTY });
  const changed = await startNetivHesed([], { chain: CHANGED });
  changed.addFault({ kind: "body", body: "<html><body>we have moved</body></html>" });
  const down = await startCerberus([], { accounts: DOWN.map((chain) => ({ chain, username: chain.key })) });
  portals = [full, empty, changed, down];
  const chains: Record<string, object> = Object.assign({}, ...portals.map((portal) => portal.chainOverrides()));
  chains["empty"] = { ...chains["empty"], mayBeEmpty: [{ when: "always" }] };
  pipeline = await createPipeline({ chains });
  await down.goDown();
  crawledAt = Date.now();
  const keys = [FULL, EMPTY, CHANGED, ...DOWN].map(({ key }) => key).join(",");
  await pipeline.must(["crawl", "--once", "--chains", keys]);
  // What an empty listing is depends on the hour, so this one is written down as the crawler would.
  const pool = await pipeline.pool();
  await pool.query(
    `INSERT INTO chain_listings VALUES ('shufersal', 'empty-suspicious', 'no files listed', 0, 0, now(), now())`,
  );
  await pool.end();
});
afterAll(async () => {
  await pipeline.close();
  await Promise.all(portals.map((portal) => portal.close()));
});

describe("gogobe chains list", () => {
  test("tells the states of a listing apart: files, plausibly empty, suspiciously empty, not recognised, unreachable", async () => {
    const rows = JSON.parse(await pipeline.must(["chains", "list", "--json"])) as Listed[];
    const byKey = Object.fromEntries(rows.map((row) => [row.chain, row]));
    expect(byKey["full"]).toMatchObject({
      listing: "found",
      listed: 5,
      detail: null,
      circuit: "closed",
      retry_at: null,
    });
    expect(byKey["empty"]).toMatchObject({
      listing: "empty-plausible",
      listed: 0,
      detail: expect.stringContaining("expected of this chain"),
    });
    expect(byKey["shufersal"]).toMatchObject({ listing: "empty-suspicious", detail: "no files listed" });
    expect(byKey["changed"]).toMatchObject({
      listing: "layout-not-recognised",
      detail: expect.stringMatching(/without .*table.*we have moved/),
      circuit: "closed",
    });
    for (const { key } of DOWN) {
      expect(byKey[key]).toMatchObject({ listing: "unreachable", detail: expect.stringMatching(/refused|left alone/) });
    }
    expect(byKey["rami-levy"]).toMatchObject({ listing: null, circuit: "closed" });
  });

  test("shows which hosts are left alone and until when, though the process that learned it is gone", async () => {
    const rows = JSON.parse(await pipeline.must(["chains", "list", "--json"])) as Listed[];
    for (const { key } of DOWN) {
      const row = rows.find(({ chain }) => chain === key);
      expect(row?.circuit).toMatch(/^(?:open|half-open)$/);
      expect(Date.parse(row?.retry_at ?? "")).toBeGreaterThan(crawledAt);
    }
    const shown = JSON.parse(await pipeline.must(["chains", "show", "down-1", "--json"])) as { circuit: object };
    expect(shown.circuit).toMatchObject({
      state: expect.stringMatching(/open$/),
      hosts: [{ host: expect.stringMatching(/^127\.0\.0\.1:\d+$/), error: expect.stringContaining("refused") }],
    });
  });

  test("says below the table, in words, what needs a look", async () => {
    const text = await pipeline.must(["chains", "list"]);
    const [table = "", look = ""] = text.split("\nneeds a look:\n");
    expect(table.split("\n")[0]?.trim()).toMatch(/^chain .* listing +listed +new +at +circuit$/);
    expect(look).toContain("  shufersal: empty-suspicious: no files listed\n");
    expect(look).toMatch(/^ {2}changed: layout-not-recognised: netiv-hesed: .* answered without /m);
    expect(look).toMatch(/^ {2}host 127\.0\.0\.1:\d+: (?:open|half-open) after: .*refused/m);
    expect(look).not.toMatch(/^ {2}(?:full|empty):/m);
  });
});
