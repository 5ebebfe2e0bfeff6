import { expect, test } from "vitest";
import { DocumentReader } from "../../../parser/document-reader.ts";
import { UnknownTags } from "../../../parser/field-slots.ts";
import { MasterKeys } from "../../../parser/master/master-key.ts";
import { DateReader } from "../../../parser/normalise/dates.ts";
import { UnitReader } from "../../../parser/normalise/units.ts";
import { kindOf } from "../../../parser/parse-file.ts";
import { Problems } from "../../../parser/problems.ts";
import { RowReader } from "../../../parser/row-reader.ts";
import { SeenCodes } from "../../../parser/seen-codes.ts";
import { parseFileName } from "../../../shared/contracts/file-identity.ts";
import { UnreadableFileError } from "../../../shared/errors.ts";
import { createRandom } from "../../fixtures/random.ts";
import { outcomeOf, rowsOf, SEED, totalsOf } from "./helpers/fuzz.ts";
import { plainSamples, SAMPLE_COUNT, type Sample, sampleAt } from "./helpers/fuzz-samples.ts";
import { mutate } from "./helpers/mutate.ts";

const CHUNKED = 600;
/** A prime, so that every dialect, encoding and container is met; the table of formats has every combination. */
const EVERY = 7;

test("the samples of the fuzz are read whole, and alike with and without the fast path", async () => {
  for (let index = 0; index < SAMPLE_COUNT; index += EVERY) {
    const sample = sampleAt(index);
    const outcome = await outcomeOf(sample, sample.bytes);
    expect(totalsOf(outcome), sample.name).toMatchObject({ complete: true, rowsRejected: 0 });
    expect(rowsOf(outcome).length, sample.name).toBeGreaterThan(3);
    const saxes = await outcomeOf(sample, sample.bytes, { onlySaxes: true });
    expect(JSON.stringify(outcome), sample.name).toBe(JSON.stringify(saxes));
  }
}, 120_000);

test("how text is cut into chunks changes nothing", () => {
  const samples = plainSamples();
  for (let number = 0; number < CHUNKED; number++) {
    const random = createRandom(`${SEED}/chunks/${number}`);
    const sample = random.pick(samples);
    const text = mutate(random, sample).bytes.toString();
    const size = random.pick([1, 7, 60, 900]);
    expect(readText(sample, text, size), `seed ${SEED}, chunks ${number}: ${sample.name}, by ${size}`).toEqual(
      readText(sample, text, text.length),
    );
  }
}, 120_000);

/** What the document reader alone makes of text that comes in pieces of one size. */
function readText(sample: Sample, text: string, size: number) {
  const found: object[] = [];
  const problems = new Problems();
  const context = {
    masters: new MasterKeys("probe"),
    dates: new DateReader(),
    units: new UnitReader(),
    problems,
    unknownTags: new UnknownTags(),
    seenCodes: new SeenCodes(),
  };
  const output = { row: (row: object) => found.push(row), rejected: (row: object) => found.push(row) };
  const kind = kindOf(parseFileName(sample.fileName).fileType);
  const rows = new RowReader(kind, context, output);
  const document = new DocumentReader(kind, rows, problems);
  rows.attach(document.outline);
  try {
    for (let at = 0; at < text.length; at += size) document.write(text.slice(at, at + size));
    document.end();
    rows.end(document.damage !== null);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    return { quarantined: error.message };
  }
  const { header, rowsClaimed, rootClosed } = document.outline;
  const unknown = Object.fromEntries(context.unknownTags.counts);
  return { found, problems: problems.list(), damage: document.damage, header, rowsClaimed, rootClosed, unknown };
}
