import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HANDED_OVER, whyWithout } from "../helpers/handed-over.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const missing = whyWithout("data/real");

/** One fact of ../shared/data/README.md: what it is, the SQL that reads it back, and the figure counted there. */
const promotionFacts = (store: string) => ({
  from: `FROM promotions p JOIN stores s ON s.id = p.store_id WHERE s.chain_id = '${store.split("-")[0]}' AND s.store_code = '${store.split("-")[1]}'`,
  links: `FROM promotion_items l JOIN promotions p ON p.id = l.promotion_id JOIN stores s ON s.id = p.store_id JOIN items i ON i.id = l.item_id
    WHERE s.chain_id = '${store.split("-")[0]}' AND s.store_code = '${store.split("-")[1]}'`,
  clubs: `FROM promotion_clubs c JOIN promotions p ON p.id = c.promotion_id JOIN stores s ON s.id = p.store_id WHERE s.chain_id = '${store.split("-")[0]}' AND s.store_code = '${store.split("-")[1]}'`,
});
const superPharm = `FROM prices p JOIN items i ON i.id = p.item_id JOIN stores s ON s.id = p.store_id WHERE s.chain_id = '7290172900007' AND s.store_code_key = '83'`;
const rami = promotionFacts("7290058140886-001");
const keshet = promotionFacts("7290785400000-002");
const day = (column: string, of: "min" | "max") =>
  `to_char(${of}(${column}) AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD')`;

const FACTS: [name: string, sql: string, figure: string][] = [
  ["Super-Pharm: items", `SELECT count(*) ${superPharm}`, "5119"],
  ["Super-Pharm: distinct codes", `SELECT count(DISTINCT i.item_code) ${superPharm}`, "5119"],
  ["Super-Pharm: sum of prices", `SELECT sum(p.price) ${superPharm}`, "287475.38"],
  ["Super-Pharm: lowest price", `SELECT min(p.price) ${superPharm}`, "2.50"],
  ["Super-Pharm: highest price", `SELECT max(p.price) ${superPharm}`, "699.90"],
  ["Super-Pharm: sum of unit prices", `SELECT sum(p.unit_price) ${superPharm}`, "13463.05"],
  ["Super-Pharm: unit price 0.00", `SELECT count(*) ${superPharm} AND p.unit_price = 0`, "2891"],
  ["Super-Pharm: oldest update", `SELECT ${day("p.updated_at", "min")} ${superPharm}`, "2011-12-06"],
  ["Super-Pharm: newest update", `SELECT ${day("p.updated_at", "max")} ${superPharm}`, "2024-09-26"],
  ["Super-Pharm: weighted", `SELECT count(*) ${superPharm} AND i.weighted`, "0"],
  ["Super-Pharm: codes of 11 digits", `SELECT count(*) ${superPharm} AND length(i.item_code) = 11`, "8"],
  ["Super-Pharm: distinct names", `SELECT count(DISTINCT i.name) ${superPharm}`, "5103"],
  ["Rami Levy: promotions", `SELECT count(*) ${rami.from}`, "2206"],
  ["Rami Levy: links", `SELECT count(*) ${rami.links}`, "8750"],
  ["Rami Levy: distinct (promotion, item)", `SELECT count(DISTINCT (p.id, l.item_id)) ${rami.links}`, "8641"],
  ["Rami Levy: distinct codes in links", `SELECT count(DISTINCT i.item_code) ${rami.links}`, "7577"],
  ["Rami Levy: gift rows", `SELECT count(*) ${rami.links} AND l.is_gift`, "112"],
  ["Rami Levy: promotions with gifts", `SELECT count(DISTINCT p.id) ${rami.links} AND l.is_gift`, "37"],
  ["Rami Levy: sum of gift prices", `SELECT sum(l.gift_price) ${rami.links} AND l.is_gift`, "4767.50"],
  [
    "Rami Levy: most items in one",
    `SELECT p.promotion_code || ' ' || count(*) ${rami.links} GROUP BY 1, p.promotion_code ORDER BY count(*) DESC LIMIT 1`.replace(
      "GROUP BY 1, ",
      "GROUP BY ",
    ),
    "1353502 434",
  ],
  [
    "Rami Levy: discounted prices",
    `SELECT count(p.discounted_price) || ' ' || sum(p.discounted_price) ${rami.from}`,
    "1930 42372.80",
  ],
  [
    "Rami Levy: discounted per unit",
    `SELECT count(p.discounted_price_per_unit) || ' ' || sum(p.discounted_price_per_unit) ${rami.from}`,
    "1930 32319.40",
  ],
  ["Rami Levy: least quantity", `SELECT count(p.min_qty) || ' ' || sum(p.min_qty) ${rami.from}`, "2203 133628.05"],
  [
    "Rami Levy: greatest quantity",
    `SELECT count(p.max_qty) || ' ' || trim_scale(sum(p.max_qty)) ${rami.from}`,
    "171 421",
  ],
  [
    "Rami Levy: rates",
    `SELECT count(p.discount_rate) || ' ' || trim_scale(sum(p.discount_rate)) ${rami.from}`,
    "231 2042500",
  ],
  [
    "Rami Levy: discount types",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT p.discount_type || ':' || count(*) AS n ${rami.from} AND p.discount_type IS NOT NULL GROUP BY p.discount_type) x`,
    "0:228 1:3",
  ],
  ["Rami Levy: least purchase", `SELECT count(p.min_purchase_amount) ${rami.from}`, "79"],
  [
    "Rami Levy: reward types",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT p.reward_type || ':' || count(*) AS n ${rami.from} GROUP BY p.reward_type) x`,
    "1:1930 2:219 3:3 6:37 7:8 9:9",
  ],
  ["Rami Levy: clubs", `SELECT count(*) ${rami.clubs}`, "2216"],
  [
    "Rami Levy: club codes",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT c.club_code || ':' || count(*) AS n ${rami.clubs} GROUP BY c.club_code) x`,
    "0:2134 1:46 2:35 5:1",
  ],
  ["Rami Levy: coupons", `SELECT count(*) ${rami.from} AND p.is_coupon`, "219"],
  ["Rami Levy: inactive", `SELECT count(*) ${rami.from} AND NOT p.is_active`, "3"],
  ["Rami Levy: weighted", `SELECT count(*) ${rami.from} AND p.weighted`, "5"],
  ["Rami Levy: no multiple discounts", `SELECT count(*) ${rami.from} AND NOT p.allow_multiple`, "44"],
  ["Rami Levy: remarks", `SELECT sum(jsonb_array_length(p.remarks)) ${rami.from}`, "108"],
  ["Rami Levy: first start", `SELECT ${day("p.starts_at", "min")} ${rami.from}`, "2022-12-01"],
  ["Rami Levy: last end", `SELECT ${day("p.ends_at", "max")} ${rami.from}`, "2034-04-18"],
  ["Rami Levy: newest update", `SELECT ${day("p.updated_at", "max")} ${rami.from}`, "2026-02-16"],
  ["Keshet: promotions", `SELECT count(*) ${keshet.from}`, "2353"],
  ["Keshet: links", `SELECT count(*) ${keshet.links}`, "7529"],
  ["Keshet: distinct codes in links", `SELECT count(DISTINCT i.item_code) ${keshet.links}`, "7509"],
  ["Keshet: gift rows", `SELECT count(*) ${keshet.links} AND l.is_gift`, "0"],
  [
    "Keshet: discounted prices",
    `SELECT count(p.discounted_price) || ' ' || sum(p.discounted_price) ${keshet.from}`,
    "2301 87359.31",
  ],
  [
    "Keshet: discounted per unit",
    `SELECT count(p.discounted_price_per_unit) || ' ' || sum(p.discounted_price_per_unit) ${keshet.from}`,
    "2301 56338.67",
  ],
  ["Keshet: least quantity", `SELECT count(p.min_qty) || ' ' || sum(p.min_qty) ${keshet.from}`, "2353 3552.18"],
  ["Keshet: greatest quantity", `SELECT count(p.max_qty) || ' ' || sum(p.max_qty) ${keshet.from}`, "10 270.19"],
  ["Keshet: weighted", `SELECT count(*) ${keshet.from} AND p.weighted`, "222"],
  ["Keshet: weighted without a unit", `SELECT count(*) ${keshet.from} AND p.weighted AND p.weight_unit IS NULL`, "222"],
  ["Keshet: clubs", `SELECT count(*) ${keshet.clubs}`, "2353"],
  [
    "Keshet: link types",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT l.item_type || ':' || count(*) AS n ${keshet.links} GROUP BY l.item_type) x`,
    "0:279 1:7250",
  ],
  ["Keshet: first start", `SELECT ${day("p.starts_at", "min")} ${keshet.from}`, "2012-05-03"],
  ["Shufersal: stores", `SELECT count(*) FROM stores WHERE chain_id = '7290027600007'`, "416"],
  [
    "Shufersal: store codes",
    `SELECT min(store_code::int) || ' ' || max(store_code::int) FROM stores WHERE chain_id = '7290027600007'`,
    "1 854",
  ],
  [
    "Shufersal: sub-chains",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT sub_chain_code || ':' || count(*) AS n FROM stores WHERE chain_id = '7290027600007' GROUP BY sub_chain_code) x`,
    "18:8 2:103 3:2 4:5 50:10 5:98 6:21 7:95 1:74".split(" ").sort().join(" "),
  ],
  [
    "Shufersal: store types",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT coalesce(store_type, '') || ':' || count(*) AS n FROM stores WHERE chain_id = '7290027600007' GROUP BY store_type) x`,
    "1:412 2:1 :3".split(" ").sort().join(" "),
  ],
  [
    "Shufersal: the online store",
    `SELECT string_agg(store_code, ' ') FROM stores WHERE chain_id = '7290027600007' AND store_type = '2'`,
    "413",
  ],
  [
    "Shufersal: without address, city, zip, sub-chain name",
    `SELECT concat_ws(' ', count(*) FILTER (WHERE address IS NULL), count(*) FILTER (WHERE city IS NULL), count(*) FILTER (WHERE zip_code IS NULL), count(*) FILTER (WHERE sub_chain_name IS NULL)) FROM stores WHERE chain_id = '7290027600007'`,
    "12 13 237 10",
  ],
  ["Shufersal: cities", `SELECT count(DISTINCT city) FROM stores WHERE chain_id = '7290027600007'`, "135"],
  [
    "all nine files are loaded",
    `SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT status || ':' || count(*) AS n FROM files GROUP BY status) x`,
    "loaded:9",
  ],
  [
    "rows of all files",
    `SELECT sum(rows_read) || ' ' || sum(rows_rejected) FROM files`,
    `${5119 + 2206 + 2353 + 416} 0`,
  ],
  ["the five empty files are complete", `SELECT count(*) FROM files WHERE rows_read = 0 AND complete`, "5"],
  [
    "claimed counts where a file has one",
    `SELECT string_agg(rows_claimed::text, ' ' ORDER BY rows_claimed) FROM files WHERE rows_claimed IS NOT NULL`,
    "0 0 0 2206 2353",
  ],
];

describe.skipIf(missing !== null)(`the nine real files${missing ? ` (${missing})` : ""}`, () => {
  let pipeline: Pipeline;
  let files: string[];
  let values: Map<string, string>;

  beforeAll(async () => {
    pipeline = await createPipeline();
    const directory = join(HANDED_OVER, "data/real");
    files = (await readdir(directory)).sort().map((name) => join(directory, name));
    await pipeline.must(["ingest", ...files]);
    const pool = await pipeline.pool();
    values = new Map();
    for (const [name, sql] of FACTS) {
      const { rows } = await pool.query<unknown[]>({ text: sql, rowMode: "array" });
      values.set(name, String(rows[0]?.[0]));
    }
    await pool.end();
  });
  afterAll(() => pipeline.close());

  test("are nine", () => expect(files).toHaveLength(9));

  test.each(FACTS)("%s", (name, _sql, figure) => {
    expect(values.get(name)).toBe(figure);
  });

  test("change nothing when they are ingested again", async () => {
    const before = await pipeline.exportTables();
    await pipeline.must(["ingest", ...files]);
    expect(await pipeline.exportTables()).toEqual(before);
  });
});
