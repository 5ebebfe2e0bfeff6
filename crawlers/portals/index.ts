import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import type { LoadedChains } from "../chains.ts";
import { bina } from "./bina.ts";
import { cerberus } from "./cerberus.ts";
import { cityMarketShops } from "./city-market-shops.ts";
import { haziHinam } from "./hazi-hinam.ts";
import { laibcatalog } from "./laibcatalog.ts";
import { matrix } from "./matrix.ts";
import { meshnatYosefWorker } from "./meshnat-yosef-worker.ts";
import { netivHesed } from "./netiv-hesed.ts";
import { loadOutside } from "./outside.ts";
import { publishprice } from "./publishprice.ts";
import { shufersal } from "./shufersal.ts";
import { superPharm } from "./super-pharm.ts";
import { wolt } from "./wolt.ts";

/** Portal families by the name that registry entries use. */
export type PortalFamilies = ReadonlyMap<string, PortalFamily>;

/** The families of the package. A new one: one file beside this one, one line here. */
const BUILT_IN: readonly PortalFamily[] = [
  bina,
  cerberus,
  cityMarketShops,
  haziHinam,
  laibcatalog,
  matrix,
  meshnatYosefWorker,
  netivHesed,
  publishprice,
  shufersal,
  superPharm,
  wolt,
];

/** The families of the package alone. */
export function builtInFamilies(): Map<string, PortalFamily> {
  return new Map(BUILT_IN.map((family) => [family.name, family]));
}

/**
 * All families: those of the package, and those that the chains file names under `$portals` (which win over a built-in of the same
 * name). A module gives its family as default export, or as an export named `family`.
 * @throws {UsageError} for a module that cannot be loaded or gives no family
 */
export async function loadFamilies(chains: Pick<LoadedChains, "outsidePortals">): Promise<PortalFamilies> {
  const families = builtInFamilies();
  for (const [name, target] of chains.outsidePortals) families.set(name, (await loadOutside(name, target)).family);
  return families;
}
