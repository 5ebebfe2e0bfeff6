import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileIdOf, fileVersionOf, parseFileName } from "../../shared/contracts/file-identity.ts";
import type { FileDownloaded } from "../../shared/contracts/file-messages.ts";
import { createCatalogue } from "../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import type { FixtureEncoding } from "../fixtures/encodings.ts";
import { hugePriceFull } from "../fixtures/huge.ts";
import { createPromotions } from "../fixtures/promotions.ts";
import { renderPromoFile } from "../fixtures/render/promo.ts";
import { createStoreDay } from "../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";

/** A generated file: what measures are taken on. */
export interface Subject {
  /** Rows: items of a PriceFull, promotions of a PromoFull. */
  items: number;
  /** Element of a row. */
  rowTag: "Item" | "Promotion";
  encoding: FixtureEncoding;
  /** As it is published: gzip. */
  bytes: Buffer;
  /** The message that the downloader would publish for it. */
  file: FileDownloaded;
}

const STORES = 10;
const DAY = "2026-08-14";
const NEXT_DAY_NAME = ["20260814", "20260815"] as const;

/** The PriceFull of one of ten stores of an invented chain. All stores sell the same products, each at its own prices. */
export async function createSubject(
  items: number,
  options: { storeIndex?: number; encoding?: FixtureEncoding } = {},
): Promise<Subject> {
  const { storeIndex = 0, encoding = "utf-8" } = options;
  const chain = FIXTURE_CHAINS.alon;
  const store = fixtureStore(createStoresList(chain, DAY, "bench", STORES), storeIndex);
  const huge = hugePriceFull({ seed: "bench", chain, store, day: DAY, items, encoding });
  const bytes = await buffer(huge.gzip());
  return { items, rowTag: "Item", encoding, bytes, file: downloaded(huge.fileName, bytes) };
}

/** A PromoFull: nested rows, some of them with hundreds of links, which no fast path reads. */
export function createPromotionsSubject(promotions: number): Subject {
  const chain = FIXTURE_CHAINS.alon;
  const store = fixtureStore(createStoresList(chain, DAY, "bench", STORES), 0);
  const day = createStoreDay(createCatalogue("bench", 2_000), { chain, store, day: DAY });
  const model = createPromotions(day, "bench", promotions);
  const { bytes, fileName } = renderPromoFile(model, { dialect: "std-root", encoding: "utf-8" });
  return { items: promotions, rowTag: "Promotion", encoding: "utf-8", bytes, file: downloaded(fileName, bytes) };
}

/** The same bytes under the name of the day after. */
export function onNextDay(subject: Subject): Subject {
  const fileName = subject.file.fileName.replace(...NEXT_DAY_NAME);
  return { ...subject, file: downloaded(fileName, subject.bytes) };
}

/** Writes the file under its published name. Returns its path. */
export async function writeSubject(subject: Subject, directory: string): Promise<string> {
  const path = join(directory, subject.file.fileName);
  await writeFile(path, subject.bytes);
  return path;
}

function downloaded(fileName: string, bytes: Buffer): FileDownloaded {
  const { sequence, ...parts } = parseFileName(fileName);
  // The command line makes a chain that the registry does not know its own chain, named by its id.
  const chain = parts.chainId;
  const fileId = fileIdOf(chain, fileName, 0);
  return {
    ...parts,
    schemaVersion: 1,
    fileId,
    chain,
    portal: "local",
    fileName,
    revision: 0,
    version: fileVersionOf({ ...parts, sequence, revision: 0, fileId }),
    s3_path: `s3://gogobe-raw/${chain}/${DAY}/${fileName}`,
    sha256: hash("sha256", bytes),
    sizeBytes: bytes.length,
    contentType: "application/gzip",
    etag: "bench",
    downloadedAt: parts.publishedAt,
    sourceUrl: "https://portal.example/",
  };
}
