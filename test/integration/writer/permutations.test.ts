import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchIdOf } from "../../../shared/contracts/file-identity.ts";
import type { IngestMessage, ProductRow } from "../../../shared/contracts/ingest-messages.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, emptyTables, exported, history } from "./loading.ts";
import { CHAIN_ID, fileName, link, messagesOf, product, promotion } from "./messages.ts";

/** Orders are tried in two databases at once. */
let lanes: TestDatabase[];
beforeAll(async () => {
  lanes = await Promise.all([createTestDatabase(), createTestDatabase()]);
});
afterAll(() => Promise.all(lanes.map((lane) => lane.drop())));

const ORDERS = 200;
const GROUPINGS = 40;

const day = (type: string, store: string, stamp: string) => fileName(type, store, stamp);
const times = (hour: string) => ({ updatedAt: `2026-08-14T${hour}:00:00+03:00` });
const rejected = (line: number, code: string) => [
  { line, reason: "price is not a number", raw: `<Item>${code}</Item>`, code },
];

/** Two stores, price files and promotions, in published order per store. */
const FILES: IngestMessage[][] = [
  messagesOf({
    name: `Stores${CHAIN_ID}-202608140000.xml`,
    rows: [
      { line: 1, storeCode: "1", name: "One" },
      { line: 2, storeCode: "2", name: "Two" },
    ],
  }),
  // Store 1: a full file with a duplicate over two batches, a delta of the same minute, a truncated and an empty full file, a full one.
  messagesOf({
    name: day("PriceFull", "001", "202608140300"),
    batchRows: 3,
    rows: [
      product("1", "1.00", 1, times("02")),
      product("2", "2.00", 2),
      product("3", "3.00", 3),
      product("4", "4.00", 4),
      product("1", "1.50", 5, times("01")),
      product("2", "2.50", 6),
      product("7290000000013", "9.00", 7, { name: "long name" }),
    ],
  }),
  messagesOf({ name: day("Price", "001", "202608140300"), rows: [product("3", "3.30", 1), product("5", "5.00", 2)] }),
  messagesOf({
    name: day("PriceFull", "001", "202608140400"),
    rows: [product("1", "1.10", 1, { name: "renamed" })],
    complete: false,
  }),
  messagesOf({ name: day("PriceFull", "001", "202608140500"), rows: [] }),
  messagesOf({
    name: day("PriceFull", "001", "202608140600"),
    batchRows: 2,
    rejected: rejected(5, "4"),
    rows: [product("1", "1.10", 1), product("3", "3.30", 2), product("6", "6.00", 3), product("5", "5.00", 4)],
  }),
  messagesOf({
    name: day("Price", "001", "202608140700"),
    rows: [product("2", "2.50", 1), product("6", "6.60", 2, { name: "six" })],
  }),
  // Store 2: full files that shrink step by step, with deltas between.
  messagesOf({
    name: day("PriceFull", "2", "202608140310"),
    rows: ["1", "2", "3", "7290000000013"].map((code, at) => product(code, "8.00", at + 1)),
  }),
  messagesOf({ name: day("Price", "2", "202608140410"), rows: [product("3", "8.80", 1), product("8", "8.00", 2)] }),
  messagesOf({ name: day("PriceFull", "2", "202608140510"), rows: [product("1", "8.00", 1), product("2", "8.00", 2)] }),
  messagesOf({ name: day("PriceFull", "2", "202608140710"), rows: [product("1", "8.10", 1)] }),
  messagesOf({
    name: day("PriceFull", "2", "202608140710-001"),
    rows: [product("1", "8.10", 1), product("9", "9.00", 2)],
  }),
  messagesOf({
    name: day("PromoFull", "001", "202608140300"),
    batchRows: 1,
    rows: [
      promotion("P1", 1, { items: [link("1"), link("1"), link("99")] }),
      promotion("P2", 2),
      promotion("P1", 3, { description: "again", clubs: ["1", "0"] }),
    ],
  }),
  messagesOf({
    name: day("Promo", "001", "202608140400"),
    rows: [promotion("P2", 1, { description: "changed", items: [link("7290000000013")] })],
  }),
  messagesOf({
    name: day("PromoFull", "001", "202608140600"),
    rows: [promotion("P1", 1, { items: [link("2")] })],
    rejected: [{ line: 2, reason: "no end", raw: "<x/>", code: "P2" }],
  }),
  messagesOf({
    name: `Stores${CHAIN_ID}-202608140800.xml`,
    rows: [{ line: 1, storeCode: "01", name: "One, renamed", city: "Haifa" }],
  }),
];

/** mulberry32: small and enough for shuffling. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

/** Cuts a list into flushes of 1 to `most` messages. */
function flushes<T>(values: readonly T[], most: number, random: () => number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < values.length; ) {
    const size = 1 + Math.floor(random() * most);
    groups.push(values.slice(at, at + size));
    at += size;
  }
  return groups;
}

async function load(
  { pool }: TestDatabase,
  groups: readonly (readonly IngestMessage[])[],
): Promise<Record<string, string>> {
  await emptyTables(pool);
  for (const group of groups) await apply(pool, group);
  return exported(pool);
}

/** Runs a check for the seeds 1 to `count`, spread over the databases. */
async function forSeeds(count: number, check: (lane: TestDatabase, seed: number) => Promise<void>): Promise<void> {
  await Promise.all(
    lanes.map(async (lane, first) => {
      for (let seed = first + 1; seed <= count; seed += lanes.length) await check(lane, seed);
    }),
  );
}

function withoutHistory(tables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tables).filter(([name]) => name !== "price_history"));
}

describe("the order of arrival", () => {
  test(`${ORDERS} random orders and groupings of the same messages, some of them twice, give the same current tables`, {
    timeout: 900_000,
  }, async () => {
    const expected = withoutHistory(await load(lanes[0] as TestDatabase, FILES));
    await forSeeds(ORDERS, async (lane, seed) => {
      const random = randomFrom(seed);
      const messages = FILES.flat();
      const twice = messages.filter(() => random() < 0.2);
      const groups = flushes(shuffled([...messages, ...twice], random), 1 + Math.floor(random() * 15), random);
      expect(withoutHistory(await load(lane, groups)), `seed ${seed}`).toEqual(expected);
    });
  });

  test("files in published order give the same history however they are grouped", { timeout: 300_000 }, async () => {
    const inOrder = FILES.toSorted((a, b) => ((a[0]?.version ?? "") < (b[0]?.version ?? "") ? -1 : 1)).flat();
    const expected = await load(
      lanes[0] as TestDatabase,
      inOrder.map((message) => [message]),
    );
    await forSeeds(GROUPINGS, async (lane, seed) => {
      const random = randomFrom(seed);
      expect(await load(lane, flushes(inOrder, 1 + Math.floor(random() * 20), random)), `seed ${seed}`).toEqual(
        expected,
      );
    });
  });
});

describe("a newer parser version", () => {
  // Of an item that stands twice in a file the history keeps one row: which, when its batches come apart, is not promised of late files.
  const IN_ORDER = FILES.toSorted((a, b) => ((a[0]?.version ?? "") < (b[0]?.version ?? "") ? -1 : 1)).flatMap(
    withoutRepeatedItems,
  );
  const SEEDS = 16;

  test("that reads the same leaves every table as it was, history too, in whatever order its batches come", {
    timeout: 300_000,
  }, async () => {
    const inOrder = IN_ORDER.map((message) => [message]);
    const { batches: _, ...expected } = await load(lanes[0] as TestDatabase, inOrder);
    await forSeeds(SEEDS, async (lane, seed) => {
      const random = randomFrom(seed);
      const again = flushes(shuffled(IN_ORDER.map(readAgain), random), 1 + Math.floor(random() * 15), random);
      expect(await load(lane, [...inOrder, ...again]), `seed ${seed}`).toMatchObject(expected);
    });
  });

  test("that reads prices otherwise gives, in published order, what it would have given at once", {
    timeout: 300_000,
  }, async () => {
    const again = IN_ORDER.map(readAgain);
    const first = lanes[0] as TestDatabase;
    const inOrder = again.map((message) => [message]);
    const { batches: _, ...expected } = withoutHistory(await load(first, inOrder));
    // Of two files of one minute that say the same, either may own the point.
    const points = await history(first.pool);
    await forSeeds(SEEDS, async (lane, seed) => {
      const random = randomFrom(seed);
      const misread = IN_ORDER.map((message) => withOtherPrices(message, random));
      const groups = [misread, again].flatMap((messages) => flushes(messages, 1 + Math.floor(random() * 15), random));
      expect(await load(lane, groups), `seed ${seed}`).toMatchObject(expected);
      expect(await history(lane.pool), `seed ${seed}`).toEqual(points);
    });
  });
});

/** The same rows, as a parser of the next version sends them. */
function readAgain(message: IngestMessage): IngestMessage {
  const { fileId, sha256, batchIndex } = message;
  const parserVersion = message.parserVersion + 1;
  return { ...message, parserVersion, batch_id: batchIdOf(fileId, sha256, parserVersion, batchIndex) };
}

function withoutRepeatedItems(file: IngestMessage[]): IngestMessage[] {
  const seen = new Set<string>();
  return file.map((message) => {
    if (!message.fileType.startsWith("price")) return message;
    const items = (message.items as ProductRow[]).filter(({ ean }) => !seen.has(ean) && seen.add(ean));
    return { ...message, items } as IngestMessage;
  });
}

/** Every third price is another one, out of few, so that it often equals the one before or after it. */
function withOtherPrices(message: IngestMessage, random: () => number): IngestMessage {
  if (!message.fileType.startsWith("price")) return message;
  const items = (message.items as ProductRow[]).map((row) =>
    random() < 0.34 ? { ...row, price: ["1.10", "3.30", "8.00"][Math.floor(random() * 3)] ?? row.price } : row,
  );
  return { ...message, items } as IngestMessage;
}
