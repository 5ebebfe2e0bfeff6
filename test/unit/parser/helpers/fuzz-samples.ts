import { createCatalogue } from "../../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../../fixtures/chains.ts";
import { CONTAINERS, type FixtureContainer, wrap } from "../../../fixtures/containers.ts";
import { ENCODINGS, type FixtureEncoding } from "../../../fixtures/encodings.ts";
import { createPromotions } from "../../../fixtures/promotions.ts";
import { renderPriceFile } from "../../../fixtures/render/price.ts";
import { PRICE_DIALECTS } from "../../../fixtures/render/price-dialects.ts";
import { renderPromoFile } from "../../../fixtures/render/promo.ts";
import { PROMO_DIALECTS } from "../../../fixtures/render/promo-dialects.ts";
import { renderStoresFile, STORES_DIALECTS } from "../../../fixtures/render/stores.ts";
import { createStoreDay } from "../../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../../fixtures/stores-list.ts";

/** A small whole file that mutations are made of. */
export interface Sample {
  /** Kind, dialect, encoding and container. */
  name: string;
  fileName: string;
  encoding: FixtureEncoding;
  container: FixtureContainer;
  /** As it stands inside its container. */
  plain: Buffer;
  /** As it is published. */
  bytes: Buffer;
}

const chain = FIXTURE_CHAINS.alon;
const list = createStoresList(chain, "2026-01-02", "fuzz", 6);
const day = createStoreDay(createCatalogue("fuzz", 9), { chain, store: fixtureStore(list, 0), day: "2026-01-02" });
const promotions = createPromotions(day, "fuzz", 6);

type Rendering = { name: string; render(encoding: FixtureEncoding): { fileName: string; bytes: Buffer } };

const LAYOUTS: readonly Rendering[] = [
  ...PRICE_DIALECTS.map((dialect) => ({
    name: `price ${dialect}`,
    render: (encoding: FixtureEncoding) => renderPriceFile(day, { dialect, encoding, container: "plain" }),
  })),
  ...PROMO_DIALECTS.map((dialect) => ({
    name: `promo ${dialect}`,
    render: (encoding: FixtureEncoding) => renderPromoFile(promotions, { dialect, encoding, container: "plain" }),
  })),
  ...STORES_DIALECTS.map((dialect) => ({
    name: `stores ${dialect}`,
    render: (encoding: FixtureEncoding) => renderStoresFile(list, { dialect, encoding, container: "plain" }),
  })),
];

/** Every dialect in every encoding and every container. */
export const SAMPLE_COUNT = LAYOUTS.length * ENCODINGS.length * CONTAINERS.length;

const plainFiles = new Map<string, { fileName: string; bytes: Buffer }>();

/** Sample number `index`, counted round and round; neighbours differ in dialect first. */
export function sampleAt(index: number): Sample {
  const layout = at(LAYOUTS, index);
  const encoding = at(ENCODINGS, Math.floor(index / LAYOUTS.length));
  const container = at(CONTAINERS, Math.floor(index / (LAYOUTS.length * ENCODINGS.length)));
  const key = `${layout.name} in ${encoding}`;
  const file = plainFiles.get(key) ?? layout.render(encoding);
  plainFiles.set(key, file);
  const bytes = wrap(file.bytes, container, file.fileName);
  return { name: `${key} and ${container}`, fileName: file.fileName, encoding, container, plain: file.bytes, bytes };
}

/** One sample of every dialect, plain and in UTF-8. */
export const plainSamples = (): Sample[] => LAYOUTS.map((_, index) => sampleAt(index + plainOffset));

const plainOffset = LAYOUTS.length * (ENCODINGS.indexOf("utf-8") + ENCODINGS.length * CONTAINERS.indexOf("plain"));

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new RangeError("an empty list");
  return item;
}
