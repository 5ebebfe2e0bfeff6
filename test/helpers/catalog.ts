import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { HANDED_OVER } from "./handed-over.ts";

export interface CatalogRow {
  chain_id: string;
  store_id: string;
  item_code: string;
  item_price: string;
}

/** What the handed-over tool counted of one file that it made. */
export interface CatalogFile {
  file: string;
  dialect: string;
  chainId: string;
  storeId: string;
  items: number;
  distinctCodes: number;
  sumItemPrice: string;
}

/** One real day: price by `chain id/store/item code`. */
export async function catalogPrices(day: string): Promise<Map<string, number>> {
  const text = gunzipSync(await readFile(join(HANDED_OVER, `data/catalog/prices-${day}.csv.gz`))).toString("utf8");
  const rows: CatalogRow[] = parse(text, { columns: true });
  return new Map(rows.map((row) => [`${row.chain_id}/${row.store_id}/${row.item_code}`, Number(row.item_price)]));
}

/** Renders one real day as PriceFull files below `directory`, with the tool that was handed over. */
export async function renderCatalogDay(day: string, directory: string, flags: string[] = []): Promise<CatalogFile[]> {
  const tool = join(HANDED_OVER, "tools/catalog-to-pricefull.mjs");
  const csv = join(HANDED_OVER, `data/catalog/prices-${day}.csv.gz`);
  await promisify(execFile)(process.execPath, [tool, csv, directory, ...flags], { maxBuffer: 1 << 26 });
  const truth = JSON.parse(await readFile(join(directory, "truth.json"), "utf8")) as { files: CatalogFile[] };
  return truth.files;
}
