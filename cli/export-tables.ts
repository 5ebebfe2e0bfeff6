import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { EXPORTED } from "./export-queries.ts";

export interface ExportedTable {
  table: string;
  file: string;
  rows: number;
}

/**
 * Writes every table that users read as `<table>.csv`, from one snapshot. Rows are sorted by all their columns in byte order, so that
 * equal content gives equal bytes. A file appears under its name only when it is whole.
 */
export async function exportTables(pool: pg.Pool, directory: string): Promise<ExportedTable[]> {
  await mkdir(directory, { recursive: true });
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query("SET LOCAL TIME ZONE 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'");
    const written: ExportedTable[] = [];
    for (const [table, query] of Object.entries(EXPORTED)) {
      const file = join(directory, `${table}.csv`);
      const copy = client.query(copyTo(`COPY (${query}) TO STDOUT WITH (FORMAT csv, HEADER)`));
      await pipeline(copy, createWriteStream(`${file}.partial`));
      await rename(`${file}.partial`, file);
      written.push({ table, file, rows: copy.rowCount });
    }
    await client.query("COMMIT");
    return written;
  } finally {
    client.release(true);
  }
}
