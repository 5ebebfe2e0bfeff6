import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DocumentReader } from "../../../parser/document-reader.ts";
import { UnknownTags } from "../../../parser/field-slots.ts";
import { MasterKeys } from "../../../parser/master/master-key.ts";
import { DateReader } from "../../../parser/normalise/dates.ts";
import { UnitReader } from "../../../parser/normalise/units.ts";
import { kindOf, parseFile } from "../../../parser/parse-file.ts";
import { Problems } from "../../../parser/problems.ts";
import { RowReader } from "../../../parser/row-reader.ts";
import { SeenCodes } from "../../../parser/seen-codes.ts";
import { parseFileName } from "../../../shared/contracts/file-identity.ts";
import type { IngestMessage } from "../../../shared/contracts/ingest-messages.ts";
import { UnreadableFileError } from "../../../shared/errors.ts";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { createPromotions } from "../../fixtures/promotions.ts";
import { createRandom, type Random } from "../../fixtures/random.ts";
import { renderPriceFile } from "../../fixtures/render/price.ts";
import { PRICE_DIALECTS } from "../../fixtures/render/price-dialects.ts";
import { renderPromoFile } from "../../fixtures/render/promo.ts";
import { PROMO_DIALECTS } from "../../fixtures/render/promo-dialects.ts";
import { renderStoresFile, STORES_DIALECTS } from "../../fixtures/render/stores.ts";
import { createStoreDay } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { chunksOf, downloadedFile } from "./helpers/parse.ts";

/** 10,000 in all with GOGOBE_FUZZ_MUTATIONS=10000; the seed is in every failure. */
const MUTATIONS = Number(process.env["GOGOBE_FUZZ_MUTATIONS"] ?? 1_200);
const SEED = process.env["GOGOBE_FUZZ_SEED"] ?? "gogobe";

interface Sample {
  name: string;
  fileName: string;
  bytes: Buffer;
}

const chain = FIXTURE_CHAINS.alon;
const list = createStoresList(chain, "2026-01-02", "fuzz", 8);
const day = createStoreDay(createCatalogue("fuzz", 14), { chain, store: fixtureStore(list, 0), day: "2026-01-02" });
const promotions = createPromotions(day, "fuzz", 6);
const container = "plain";
const samples: Sample[] = [
  ...PRICE_DIALECTS.map((dialect) => ({ name: `price ${dialect}`, ...renderPriceFile(day, { dialect, container }) })),
  ...PROMO_DIALECTS.map((dialect) => ({
    name: `promo ${dialect}`,
    ...renderPromoFile(promotions, { dialect, container }),
  })),
  ...STORES_DIALECTS.map((dialect) => ({
    name: `stores ${dialect}`,
    ...renderStoresFile(list, { dialect, container }),
  })),
  { name: "price in gzip", ...renderPriceFile(day, { dialect: "std-root", container: "gzip" }) },
  { name: "price in zip", ...renderPriceFile(day, { dialect: "std-bina", container: "zip" }) },
  { name: "price in members", ...renderPriceFile(day, { dialect: "laib-new", container: "gzip-multi-member" }) },
];

/** What parsing came to: every message, or why the file is quarantined. Anything else thrown fails the test. */
async function outcomeOf(sample: Sample, bytes: Buffer, onlySaxes: boolean, chunkBytes: number) {
  const file = downloadedFile(bytes, sample.fileName);
  const messages: IngestMessage[] = [];
  try {
    const options = { maxExpandedBytes: 8_000_000, onlySaxes };
    for await (const message of parseFile(chunksOf(bytes, chunkBytes), file, options)) messages.push(message);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    return { quarantined: error.message };
  }
  return { messages };
}

const rowsOf = (outcome: Awaited<ReturnType<typeof outcomeOf>>) =>
  outcome.messages?.flatMap((message): { line: number }[] => message.items) ?? [];
const totalsOf = (outcome: Awaited<ReturnType<typeof outcomeOf>>) => outcome.messages?.at(-1)?.totals;

const SPICE = [
  "<",
  ">",
  "&",
  "&amp;",
  "]]>",
  "<!--",
  "-->",
  "<![CDATA[",
  "\u0000",
  "\u0001",
  "/>",
  "</",
  '"',
  "<Item>",
  "</Item>",
];

function mutate(random: Random, sample: Sample): Buffer {
  let { bytes } = sample;
  for (let times = random.int(1, 3); times > 0; times--) {
    const at = random.int(0, bytes.length - 1);
    const length = random.int(1, random.pick([1, 4, 40, 400]));
    const region = bytes.subarray(at, at + length);
    const to = random.int(0, bytes.length);
    const join = (...parts: Uint8Array[]) => Buffer.concat(parts);
    const cut = () => join(bytes.subarray(0, at), bytes.subarray(at + length));
    switch (random.pick(["truncate", "flip", "splice", "duplicate", "reorder", "remove", "spice"] as const)) {
      case "truncate":
        bytes = Buffer.from(bytes.subarray(0, at + 1));
        break;
      case "flip": {
        bytes = Buffer.from(bytes);
        for (let flips = random.int(1, 3); flips > 0; flips--) {
          const where = random.int(0, bytes.length - 1);
          bytes[where] = (bytes[where] ?? 0) ^ (1 << random.int(0, 7));
        }
        break;
      }
      case "splice": {
        const other = random.pick(samples).bytes;
        const from = random.int(0, other.length - 1);
        bytes = join(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at));
        break;
      }
      case "duplicate":
        bytes = join(bytes.subarray(0, to), region, bytes.subarray(to));
        break;
      case "reorder": {
        const rest = cut();
        bytes = join(rest.subarray(0, to), region, rest.subarray(to));
        break;
      }
      case "remove":
        bytes = cut();
        break;
      case "spice":
        bytes = join(bytes.subarray(0, at), Buffer.from(random.pick(SPICE)), bytes.subarray(at));
        break;
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

describe(`mutated files, seed ${SEED}`, () => {
  const CHUNK = 100;
  const chunks = Array.from({ length: Math.ceil(MUTATIONS / CHUNK) }, (_, index) => index * CHUNK);

  test.each(chunks)(
    "from number %i on end loaded, salvaged or quarantined, the same with and without the fast path",
    async (first) => {
      for (let number = first; number < Math.min(first + CHUNK, MUTATIONS); number++) {
        const random = createRandom(`${SEED}/${number}`);
        const sample = random.pick(samples);
        const bytes = mutate(random, sample);
        const chunkBytes = random.pick([50, 333, 5_000, 1_000_000]);
        const label = `seed ${SEED}, number ${number}: ${sample.name}`;
        const start = process.cpuUsage();
        const fast = await outcomeOf(sample, bytes, false, chunkBytes).catch((error: unknown) => {
          throw new Error(`${label}: ${String(error)}`, { cause: error });
        });
        expect(process.cpuUsage(start).user, label).toBeLessThan(5_000_000);
        expect(fast, label).toEqual(await outcomeOf(sample, bytes, true, chunkBytes));
        const totals = totalsOf(fast);
        if (totals === undefined) continue;
        const lines = rowsOf(fast).map((row) => row.line);
        expect(new Set(lines).size, label).toBe(lines.length);
        expect(Math.max(0, ...lines), label).toBeLessThanOrEqual(totals.rowsRead);
      }
    },
    120_000,
  );
});

test("how text is cut into chunks changes nothing", () => {
  for (let number = 0; number < MUTATIONS / 2; number++) {
    const random = createRandom(`${SEED}/chunks/${number}`);
    const sample = random.pick(samples.filter(({ name }) => !name.startsWith("price in")));
    const text = mutate(random, sample).toString(sample.bytes[0] === 0xff ? "utf16le" : "utf8");
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

describe("files that are cut short", () => {
  test.each(samples.map((sample) => [sample.name, sample] as const))(
    "%s: never more rows than the whole file, each of them a row of it, and never complete",
    async (_, sample) => {
      const whole = await outcomeOf(sample, sample.bytes, false, 4_000);
      const rows = rowsOf(whole).map(withoutHeader);
      const isZip = sample.name === "price in zip";
      const random = createRandom(`${SEED}/cut/${sample.name}`);
      for (let cut = 0; cut < 25; cut++) {
        const length = random.int(1, endOfContent(sample) - 1);
        const outcome = await outcomeOf(sample, sample.bytes.subarray(0, length), false, random.pick([64, 4_000]));
        const found = rowsOf(outcome).map(withoutHeader);
        expect(found.length).toBeLessThanOrEqual(rows.length);
        for (const row of found) expect(rows).toContainEqual(row);
        expect(totalsOf(outcome)?.complete ?? false, `${sample.name} cut at ${length}`).toBe(false);
        expect(isZip ? found : []).toEqual([]);
      }
    },
    60_000,
  );
});

test("the samples of the fuzz are read whole", async () => {
  for (const sample of samples) {
    const outcome = await outcomeOf(sample, sample.bytes, false, 4_000);
    expect(totalsOf(outcome), sample.name).toMatchObject({ complete: true, rowsRejected: 0 });
    expect(rowsOf(outcome).length, sample.name).toBeGreaterThan(3);
  }
});

/** A store takes chain and update time from the header, which a cut may take away. */
function withoutHeader(row: { line: number }): object {
  if (!("storeCode" in row)) return row;
  return { ...row, updatedAt: undefined, chainId: undefined, chainName: undefined };
}

/** Where the last byte stands that matters: the end of the root element, or of the container. */
function endOfContent({ name, bytes }: Sample): number {
  if (name.startsWith("price in")) return name === "price in members" ? gunzipEnd(bytes) : bytes.length;
  const gt = bytes.lastIndexOf(">");
  return gt + 1;
}

/** The first member alone is a whole gzip; cuts stay inside the last one. */
function gunzipEnd(bytes: Buffer): number {
  expect(gunzipSync(bytes).length).toBeGreaterThan(0);
  return bytes.length;
}
