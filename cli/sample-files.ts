import type { OfferedFile } from "../crawlers/portals/outside.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { israelDay, israelLocalToIso } from "../shared/israel-time.ts";
import { createCatalogue, type FixtureChain } from "../test/fixtures/catalogue.ts";
import { type FileNameOptions, publishedName, type PublishedType } from "../test/fixtures/file-names.ts";
import { createPromotions } from "../test/fixtures/promotions.ts";
import type { PriceDialect } from "../test/fixtures/render/price-dialects.ts";
import { renderPriceFile } from "../test/fixtures/render/price.ts";
import type { PromoDialect } from "../test/fixtures/render/promo-dialects.ts";
import { renderPromoFile } from "../test/fixtures/render/promo.ts";
import { renderStoresFile, type StoresDialect } from "../test/fixtures/render/stores.ts";
import { createStoreDay } from "../test/fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../test/fixtures/stores-list.ts";

/** How the files of a portal family look: their names, and the dialects that its chains are known to write. */
interface Manner {
  names?: Pick<FileNameOptions, "extension" | "sequence" | "subChainId">;
  price: PriceDialect;
  promo: PromoDialect;
  stores: StoresDialect;
}

const PLAIN: Manner = { price: "std-root", promo: "std-root", stores: "subchains-Id" };
const MANNERS: Readonly<Record<string, Manner>> = {
  shufersal: { ...PLAIN, promo: "groups-2026", stores: "abap-upper" },
  bina: { ...PLAIN, price: "std-bina", promo: "std-bina" },
  laibcatalog: { price: "laib-new", promo: "laib-new", stores: "subchains-laib" },
  matrix: {
    names: { extension: ".xml.gz", sequence: 1 },
    price: "matrix-products",
    promo: "matrix-sales",
    stores: "matrix-branches",
  },
  "super-pharm": { price: "orderxml", promo: "orderxml", stores: "subchains-ID-rows" },
  "hazi-hinam": {
    names: { extension: ".xml.gz", subChainId: "000" },
    price: "std-manufacture",
    promo: "std-root",
    stores: "subchains-ID-rows",
  },
  "city-market-shops": {
    names: { extension: ".xml.gz" },
    price: "std-manufacture",
    promo: "no-header",
    stores: "subchains-xmlobject",
  },
  "meshnat-yosef-worker": { ...PLAIN, stores: "subchains-ID" },
  wolt: { ...PLAIN, names: { subChainId: "000" }, promo: "wolt" },
};

const PRODUCTS = 25;
const PROMOTIONS = 8;

/** One invented file of each type, published today under the chain's own id, in the manner of its portal family. */
export function sampleFilesOf(
  chain: Pick<Chain, "key" | "nameEn" | "nameHe" | "chainIds" | "portal">,
  now: Date,
): OfferedFile[] {
  const manner = MANNERS[chain.portal] ?? PLAIN;
  const day = israelDay(now);
  const list = createStoresList(asFixture(chain), day, "check", 3);
  const store = fixtureStore(list, 0);
  const sold = createStoreDay(createCatalogue("check", PRODUCTS), { chain: list.chain, store, day });
  const delta = { ...sold, items: sold.items.slice(0, 5) };
  const promotions = createPromotions(sold, "check", PROMOTIONS);
  // Names with the sub-chain apart carry seconds.
  const clockOf = (time: string) => (manner.names?.subChainId === undefined ? time : `${time}:00`);
  const file = (type: PublishedType, storeId: string, time: string, content: Uint8Array): OfferedFile => ({
    name: publishedName({ type, chainId: list.chain.chainId, storeId, day, time: clockOf(time), ...manner.names }),
    content,
    publishedAt: momentOf(day, time),
  });
  const price = (type: "Price" | "PriceFull", of: typeof sold) =>
    renderPriceFile(of, { dialect: manner.price, type }).bytes;
  const promo = (type: "Promo" | "PromoFull") => renderPromoFile(promotions, { dialect: manner.promo, type }).bytes;
  return [
    file("Stores", "000", "00:05", renderStoresFile(list, { dialect: manner.stores }).bytes),
    file("PriceFull", store.id, "00:10", price("PriceFull", sold)),
    file("PromoFull", store.id, "00:10", promo("PromoFull")),
    file("Price", store.id, "00:40", price("Price", delta)),
    file("Promo", store.id, "00:40", promo("Promo")),
  ];
}

function asFixture({
  key,
  nameEn,
  nameHe,
  chainIds,
}: Pick<Chain, "key" | "nameEn" | "nameHe" | "chainIds">): FixtureChain {
  return {
    key,
    chainId: chainIds[0] ?? "",
    nameHe,
    nameEn,
    subChains: [{ id: "1", name: nameHe }],
    nameLimit: 40,
    priceLevel: 100,
    losesLeadingZero: false,
  };
}

function momentOf(day: string, time: string): Date {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  const iso = israelLocalToIso({ year, month, day: date, hour, minute, second: 0 });
  if (iso === null) throw new RangeError(`no such time: ${day} ${time}`);
  return new Date(iso);
}
