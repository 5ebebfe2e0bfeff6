import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CatalogFile, catalogPrices, renderCatalogDay } from "../helpers/catalog.ts";
import { whyWithout } from "../helpers/handed-over.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const missing = whyWithout("data/catalog");
const DAYS = ["2026-08-13", "2026-08-14"] as const;

interface HistoryPoint {
  key: string;
  day: string;
  price: string | null;
}

const HISTORY = `SELECT s.chain_id || '/' || s.store_code_key || '/' || i.item_code AS key,
    to_char(h.valid_from AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD') AS day, h.price
  FROM price_history h JOIN stores s ON s.id = h.store_id JOIN items i ON i.id = h.item_id`;

/** A key of the CSV with the store code as it compares. */
const comparable = (key: string) => key.replace(/\/0+(?=.)/, "/");

describe.skipIf(missing !== null).each([
  { name: "two real days", flags: [] },
  { name: "two real days without update times, other dialects per chain", flags: ["--empty-dates", "--rotate", "3"] },
])(`$name${missing ? ` (${missing})` : ""}`, ({ flags }) => {
  let pipeline: Pipeline;
  let work: string;
  let first: Map<string, number>;
  let second: Map<string, number>;
  let rendered: CatalogFile[][];
  let history: Map<string, HistoryPoint[]>;

  beforeAll(async () => {
    pipeline = await createPipeline();
    work = await mkdtemp(join(tmpdir(), "gogobe-catalog-"));
    [first, second] = await Promise.all([catalogPrices(DAYS[0]), catalogPrices(DAYS[1])]);
    rendered = [];
    for (const day of DAYS) {
      const files = await renderCatalogDay(day, join(work, day), flags);
      rendered.push(files);
      await pipeline.must(["ingest", ...files.map((file) => join(work, day, file.file))]);
    }
    const pool = await pipeline.pool();
    const { rows } = await pool.query<HistoryPoint>(`${HISTORY} ORDER BY 1, h.valid_from`);
    history = Map.groupBy(rows, (row) => row.key);
    await pool.end();
  });
  afterAll(async () => {
    await pipeline.close();
    await rm(work, { recursive: true, force: true });
  });

  test("every file has as many rows and the same sum of prices as were counted from the CSV", async () => {
    const loaded = await pipeline.query<{ file_name: string; rows_read: number }>(
      "SELECT file_name, rows_read, rows_rejected FROM files WHERE status = 'loaded' ORDER BY file_name",
    );
    const expected = rendered.flat().map((file) => [file.file, file.items]);
    expect(loaded.map((file) => [file.file_name, file.rows_read])).toEqual(expected.sort());
    const sums = await pipeline.query<{ key: string; sum: string }>(
      `SELECT s.chain_id || '/' || s.store_code_key AS key, round(sum(p.price), 2)::text AS sum FROM prices p JOIN stores s ON s.id = p.store_id
       WHERE p.delisted_at IS NULL GROUP BY 1 ORDER BY 1`,
    );
    const secondDay = (rendered[1] ?? []).map((file) => ({
      key: comparable(`${file.chainId}/${file.storeId}`),
      sum: file.sumItemPrice,
    }));
    expect(sums).toEqual(secondDay.sort((a, b) => a.key.localeCompare(b.key)));
  });

  test("the history holds exactly the changes between the two days", () => {
    const expected = new Map<string, [string, number | null][]>();
    for (const [key, price] of first) expected.set(comparable(key), [[DAYS[0], price]]);
    for (const [key, price] of second) {
      const points = expected.get(comparable(key)) ?? [];
      if (points.at(-1)?.[1] !== price) points.push([DAYS[1], price]);
      expected.set(comparable(key), points);
    }
    for (const key of first.keys()) if (!second.has(key)) expected.get(comparable(key))?.push([DAYS[1], null]);

    const actual = new Map(
      [...history].map(([key, points]) => [
        key,
        points.map((point) => [point.day, point.price === null ? null : Number(point.price)]),
      ]),
    );
    expect(actual.size).toBe(expected.size);
    const different = [...expected].filter(
      ([key, points]) => JSON.stringify(actual.get(key)) !== JSON.stringify(points),
    );
    expect(different).toEqual([]);
  });

  test("the delisted items are exactly those that went", async () => {
    const delisted = await pipeline.query<{ key: string }>(
      `SELECT s.chain_id || '/' || s.store_code_key || '/' || i.item_code AS key FROM prices p JOIN stores s ON s.id = p.store_id
       JOIN items i ON i.id = p.item_id WHERE p.delisted_at IS NOT NULL ORDER BY 1`,
    );
    const went = [...first.keys()].filter((key) => !second.has(key)).map(comparable);
    expect(delisted.map((row) => row.key).sort()).toEqual(went.sort());
  });

  test("the days loaded the other way round give the same current tables", async () => {
    const backwards = await createPipeline();
    try {
      for (const [index, day] of [...DAYS.entries()].reverse()) {
        await backwards.must(["ingest", ...(rendered[index] ?? []).map((file) => join(work, day, file.file))]);
      }
      expect(await backwards.exportTables()).toEqual(await pipeline.exportTables());
    } finally {
      await backwards.close();
    }
  });
});
