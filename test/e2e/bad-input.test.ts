import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCerberus } from "../fake-portals/cerberus.ts";
import { type BrokenFile, brokenFiles, emptyFull, gzipBomb } from "../fixtures/broken.ts";
import { createCatalogue } from "../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import { israelDay } from "../../shared/israel-time.ts";
import { renderPriceFile } from "../fixtures/render/price.ts";
import { createStoreDay, type StoreDay } from "../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";
import type { CommandResult } from "../helpers/command.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

/** Newer versions of V8 than that of the pinned Node keep more room for new objects: up to 312 MB were seen with Node 26. */
const MAX_MEMORY_BYTES = Number(process.versions.node.split(".")[0]) > 24 ? 350_000_000 : 300_000_000;

interface LedgerRow {
  file_name: string;
  status: string;
  complete: boolean | null;
  rows_read: number | null;
  rows_rejected: number | null;
  error: string | null;
}

/** What the ledger must say of a broken file. */
const EXPECTED: Record<BrokenFile["outcome"], { status: string; complete?: boolean; says?: RegExp }> = {
  unreadable: { status: "quarantined", says: /XML|JSON|root/i },
  // Fetched again with a fresh link until the attempts are used up; the last one may fail in another way while the machine is busy.
  "not-a-file": { status: "out of the line", says: /HTML|page|expired|text|the request failed/i },
  "cut-short": { status: "loaded", complete: false },
  "bad-rows": { status: "loaded", complete: true },
  readable: { status: "loaded" },
  empty: { status: "loaded" },
  "bad-name": { status: "not listed" },
  "too-large": { status: "quarantined", says: /1\.5 ?GB|larger|expand/i },
};

describe("bad input, each kind among good files", () => {
  const chain = FIXTURE_CHAINS.alon;
  const today = israelDay(new Date());
  let model: StoreDay;
  let other: StoreDay;
  let broken: BrokenFile[];
  let pipeline: Pipeline;
  let result: CommandResult;
  let ledger: Map<string, LedgerRow>;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const catalogue = createCatalogue("bad-input", 200);
    const list = createStoresList(chain, today, "bad-input", 2);
    const dayOf = (index: number) =>
      createStoreDay(catalogue, { chain, store: fixtureStore(list, index), day: today, share: 0.8, seed: "bad-input" });
    model = dayOf(0);
    other = dayOf(1);
    // The empty full file is the other store's, whose newest file it is: nothing after it may hide what it does.
    broken = [
      ...brokenFiles(model).filter(({ kind }) => kind !== "empty-full"),
      emptyFull(other),
      gzipBomb(model, "text"),
      gzipBomb({ ...model, day: today }, "space"),
    ];
    // Both bombs are of one minute: the second is published under its own sequence.
    const last = broken.at(-1);
    if (last) last.fileName = last.fileName.replace(/\.gz$/, "-002.gz");
    const good = [
      renderPriceFile(model, { dialect: "std-root", time: "03:00" }),
      renderPriceFile(other, { dialect: "std-root", time: "03:10" }),
    ];
    const files = [
      ...good.map(({ fileName, bytes }) => ({ name: fileName, content: bytes })),
      ...broken.map(({ fileName, bytes }) => ({ name: fileName, content: bytes })),
    ].map((file) => ({ ...file, publishedAt: new Date(), account: chain.key }));
    const portal = await startCerberus(files, {
      accounts: [
        {
          chain: { key: chain.key, nameEn: chain.nameEn, nameHe: chain.nameHe, chainIds: [chain.chainId] },
          username: "demo",
        },
      ],
    });
    pipeline = await createPipeline({ chains: portal.chainOverrides() });
    close = async () => {
      await pipeline.close();
      await portal.close();
    };
    result = await pipeline.gogobe(["run", "--once", "--chains", chain.key, "--since", today]);
    const rows = await pipeline.query<LedgerRow>(
      "SELECT file_name, status, complete, rows_read, rows_rejected, error FROM files",
    );
    ledger = new Map(rows.map((row) => [row.file_name, row]));
  });
  afterAll(() => close());

  test("ends, and says that some files are quarantined", () => {
    expect(result.signal).toBeNull();
    expect(`${result.stdout}${result.stderr}`).toMatch(/quarantined/);
  });

  test("every kind ends as it should, with its reason", () => {
    const wrong = broken.flatMap((file) => {
      const row = ledger.get(file.fileName);
      const expected = EXPECTED[file.outcome];
      const status = row?.status ?? "not listed";
      const fits =
        (status === expected.status ||
          (expected.status === "out of the line" && /^(quarantined|failed)$/.test(status))) &&
        (expected.complete === undefined || row?.complete === expected.complete) &&
        (expected.says === undefined || expected.says.test(row?.error ?? ""));
      return fits ? [] : [{ kind: file.kind, expected, row }];
    });
    expect(wrong).toEqual([]);
  });

  test("rejects just the rows with wrong prices, and keeps them with their reason", async () => {
    const file = broken.find(({ kind }) => kind === "wrong-values");
    expect(ledger.get(file?.fileName ?? "")?.rows_rejected).toBe(file?.badPrices.length);
    const rejected = await pipeline.query<{ reason: string; raw: string }>(
      `SELECT r.reason, r.raw FROM rejected_rows r JOIN files f USING (file_id) WHERE f.file_name = '${file?.fileName}'`,
    );
    expect(rejected).toHaveLength(file?.badPrices.length ?? 0);
    expect(rejected.filter((row) => row.reason === "" || row.raw === "")).toEqual([]);
  });

  test("salvages the whole rows of a file that was cut short", () => {
    const file = broken.find(({ kind }) => kind === "truncated");
    expect(ledger.get(file?.fileName ?? "")?.rows_read).toBe(file?.rows);
  });

  test("an empty full file after a full one delists nothing and is flagged for a person", async () => {
    const file = broken.find(({ kind }) => kind === "empty-full");
    expect(ledger.get(file?.fileName ?? "")?.error).toMatch(/0 rows/);
    const [delisted] = await pipeline.query("SELECT count(*)::int AS count FROM prices WHERE delisted_at IS NOT NULL");
    expect(delisted).toEqual({ count: 0 });
  });

  test("the good files are loaded whole", async () => {
    const [counts] = await pipeline.query<{ first: number; second: number }>(
      `SELECT count(*) FILTER (WHERE s.store_code_key = ltrim('${model.store.id}', '0'))::int AS first,
         count(*) FILTER (WHERE s.store_code_key = ltrim('${other.store.id}', '0'))::int AS second
       FROM prices p JOIN stores s ON s.id = p.store_id`,
    );
    // Broken files of the first store add rows of their own.
    expect(counts?.first).toBeGreaterThanOrEqual(model.items.length);
    expect(counts?.second).toBe(other.items.length);
  });

  test(`needs less than ${MAX_MEMORY_BYTES / 1e6} MB, two bombs of 2 GB included`, () => {
    expect(result.peakMemoryBytes).toBeGreaterThan(0);
    expect(result.peakMemoryBytes).toBeLessThan(MAX_MEMORY_BYTES);
  });

  test("a file named outside its folder is refused by name when it is ingested", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gogobe-bad-"));
    try {
      await mkdir(join(directory, "inner"));
      const path = join(directory, "inner", "not-a-price-file.gz");
      await writeFile(path, "x");
      const refused = await pipeline.gogobe(["ingest", path]);
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toMatch(/not-a-price-file\.gz/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
