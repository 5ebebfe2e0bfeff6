import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { failpoint } from "../shared/failpoints.ts";
import type { StagedChunks } from "./stage-rows.ts";

/** Streams the chunks of every staging table to the server. */
export async function copyToStaging(client: pg.PoolClient, chunks: StagedChunks): Promise<void> {
  for (const [table, buffers] of chunks) {
    await pipeline(Readable.from(withFailpoint(buffers)), client.query(copyFrom(`COPY ${table} FROM STDIN`)));
  }
}

/** The point lies between two chunks, or before the end of the only one: rows are on the server, the COPY is not over. */
function* withFailpoint(buffers: readonly Buffer[]): Generator<Buffer> {
  for (const buffer of buffers) {
    yield buffer;
    failpoint("writer:copying");
  }
}
