import { describe, expect, test } from "vitest";
import { parseFile } from "../../../../parser/parse-file.ts";
import type { IngestMessage } from "../../../../shared/contracts/ingest-messages.ts";
import { UnreadableFileError } from "../../../../shared/errors.ts";
import { createRandom } from "../../../fixtures/random.ts";
import { peakMemoryBytes } from "../../../helpers/peak-memory.ts";
import { type Sample, sampleAt } from "./fuzz-samples.ts";
import { mutate } from "./mutate.ts";
import { chunksOf, downloadedFile } from "./parse.ts";

/** The seed is in every failure; another one is tried with GOGOBE_FUZZ_SEED. */
export const SEED = process.env["GOGOBE_FUZZ_SEED"] ?? "gogobe";
/** In all, over the files that share them. */
export const MUTATIONS = Number(process.env["GOGOBE_FUZZ_MUTATIONS"] ?? 10_000);
const PER_TEST = 250;
/** No file of a few kilobytes takes so long unless the reader runs in circles. */
const MAX_CPU_MICROSECONDS = 5_000_000;
/** What reading thousands of damaged files may add to the memory of the process. */
const MAX_GROWTH_BYTES = 400_000_000;

/** What parsing came to: every message, or why the file is quarantined. Anything else that is thrown fails the test. */
export interface Outcome {
  messages: IngestMessage[];
  quarantined: string | null;
}

export async function outcomeOf(
  sample: Sample,
  bytes: Buffer,
  options: { onlySaxes?: boolean; chunkBytes?: number } = {},
): Promise<Outcome> {
  const file = downloadedFile(bytes, sample.fileName);
  const messages: IngestMessage[] = [];
  const parseOptions = { maxExpandedBytes: 8_000_000, onlySaxes: options.onlySaxes === true };
  try {
    for await (const message of parseFile(chunksOf(bytes, options.chunkBytes), file, parseOptions))
      messages.push(message);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    return { messages: [], quarantined: error.message };
  }
  return { messages, quarantined: null };
}

export const rowsOf = ({ messages }: Outcome): { line: number }[] =>
  messages.flatMap<{ line: number }>((message) => message.items);
export const totalsOf = ({ messages }: Outcome) => messages.at(-1)?.totals;

/**
 * Defines the tests of one part of the mutations: number `part` of `parts` and every `parts`-th after it. Each file is parsed with and
 * without the fast path, and each ends loaded, salvaged or quarantined.
 */
export function fuzzPart(part: number, parts: number): void {
  const numbers = Array.from({ length: MUTATIONS }, (_, number) => number).filter((number) => number % parts === part);
  const groups = Array.from({ length: Math.ceil(numbers.length / PER_TEST) }, (_, index) => [
    numbers[index * PER_TEST] ?? 0,
    numbers.slice(index * PER_TEST, (index + 1) * PER_TEST),
  ]);
  const memoryBefore = peakMemoryBytes();

  describe(`mutated files, seed ${SEED}, part ${part + 1} of ${parts}`, () => {
    test.each(groups as [number, number[]][])(
      "from number %i on: loaded, salvaged or quarantined with a reason, the same rows and rejections with and without the fast path",
      async (_, group) => {
        expect.hasAssertions();
        for (const number of group) await checkMutation(number);
      },
      120_000,
    );

    test("reading them all takes bounded memory", () => {
      expect(peakMemoryBytes() - memoryBefore).toBeLessThan(MAX_GROWTH_BYTES);
    });
  });
}

async function checkMutation(number: number): Promise<void> {
  const random = createRandom(`${SEED}/${number}`);
  const sample = sampleAt(number);
  const { bytes, steps } = mutate(random, sample);
  const chunkBytes = random.pick([50, 333, 5_000, 1_000_000]);
  const label = `seed ${SEED}, number ${number}: ${sample.name}, ${steps.join(" and ")}`;
  const start = process.cpuUsage();
  const outcome = await outcomeOf(sample, bytes, { chunkBytes }).catch((error: unknown) => {
    throw new Error(`${label}: ${String(error)}`, { cause: error });
  });
  expect(process.cpuUsage(start).user, label).toBeLessThan(MAX_CPU_MICROSECONDS);
  expectSame(outcome, await outcomeOf(sample, bytes, { chunkBytes, onlySaxes: true }), label);
  expectReasons(outcome, label);
  if (steps.every((step) => step === "truncate")) await expectPartOfWhole(outcome, sample, label);
}

/** Their JSON, which is what travels; the slow comparison, which shows the difference, only when they differ. */
function expectSame(fast: Outcome, saxes: Outcome, label: string): void {
  if (JSON.stringify(fast) !== JSON.stringify(saxes)) expect(fast, label).toEqual(saxes);
}

/** Loaded whole, salvaged with a reason, or quarantined with a reason; each row once, each rejected row with a reason. */
function expectReasons(outcome: Outcome, label: string): void {
  const totals = totalsOf(outcome);
  if (totals === undefined) {
    expect(outcome.quarantined, label).toMatch(/\S/);
    return;
  }
  if (!totals.complete) expect(totals.problems.join(), label).toMatch(/\S/);
  const lines = rowsOf(outcome).map((row) => row.line);
  expect(new Set(lines).size, label).toBe(lines.length);
  expect(Math.max(0, ...lines), label).toBeLessThanOrEqual(totals.rowsRead);
  const rejected = outcome.messages.flatMap((message) => message.rejected);
  expect(
    rejected.every(({ reason }) => /\S/.test(reason)),
    label,
  ).toBe(true);
}

const wholes = new Map<string, Promise<Outcome>>();

/** A file that was cut short: never more rows than the whole file, each of them a row of it, and all of them if it is called complete. */
async function expectPartOfWhole(outcome: Outcome, sample: Sample, label: string): Promise<void> {
  let whole = wholes.get(sample.name);
  if (whole === undefined) wholes.set(sample.name, (whole = outcomeOf(sample, sample.bytes)));
  const expected = rowsOf(await whole).map(rowText);
  const found = rowsOf(outcome).map(rowText);
  const known = new Set(expected);
  expect(found.length, label).toBeLessThanOrEqual(expected.length);
  expect(
    found.filter((row) => !known.has(row)),
    label,
  ).toEqual([]);
  if (totalsOf(outcome)?.complete === true) expect(found, label).toEqual(expected);
}

/** A store takes chain and update time from the header, which a cut may take away. */
function rowText(row: object): string {
  if (!("storeCode" in row)) return JSON.stringify(row);
  return JSON.stringify({ ...row, updatedAt: undefined, chainId: undefined, chainName: undefined });
}
