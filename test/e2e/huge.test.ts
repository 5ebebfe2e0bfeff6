import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import { type HugeFile, hugePriceFull } from "../fixtures/huge.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";
import type { ReadFromStdin } from "../helpers/parse-stdin.ts";

const PROGRAM = join(import.meta.dirname, "../helpers/parse-stdin.ts");
const DAY = "2026-01-02";
const MAX_MEMORY_BYTES = 200_000_000;
/** The code of hot functions and the pieces that are on their way: some of it comes only after the first 10 MB. */
const MAX_DIFFERENCE_BYTES = 80_000_000;

function priceFullOf(expandedBytes: number): HugeFile {
  const chain = FIXTURE_CHAINS.alon;
  const store = fixtureStore(createStoresList(chain, DAY, "huge", 2), 0);
  return hugePriceFull({ seed: "huge", chain, store, day: DAY, expandedBytes });
}

/** Parses a file in a process of its own, which is sent the gzip while it is made. */
async function read(file: HugeFile): Promise<ReadFromStdin> {
  const child = spawn(process.execPath, [PROGRAM, file.fileName], { stdio: ["pipe", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), pipeline(file.gzip(), child.stdin)]);
  return JSON.parse(output) as ReadFromStdin;
}

describe("a PriceFull of 10 MB and one of 1 GB, gzip, made on the fly", () => {
  const files = { small: priceFullOf(10_000_000), large: priceFullOf(1_000_000_000) };
  let small: ReadFromStdin;
  let large: ReadFromStdin;

  beforeAll(async () => {
    small = await read(files.small);
    large = await read(files.large);
  });

  test("are read whole, to batches", () => {
    expect(small).toMatchObject({ complete: true, rows: files.small.rows, rowsRejected: 0 });
    expect(large).toMatchObject({ complete: true, rows: files.large.rows, rowsRejected: 0 });
    expect(large.batches).toBeGreaterThan(90 * small.batches);
  });

  test("need no more than 200 MB, the large one hardly more than the small one", () => {
    expect(large.peakMemoryBytes).toBeLessThanOrEqual(MAX_MEMORY_BYTES);
    expect(large.peakMemoryBytes - small.peakMemoryBytes).toBeLessThan(MAX_DIFFERENCE_BYTES);
  });
});
