import { pathToFileURL } from "node:url";
import { isAbsolute } from "node:path";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import { errorMessage, UsageError } from "../../shared/errors.ts";
import type { LoadedChains } from "../chains.ts";
import { bina } from "./bina.ts";
import { cerberus } from "./cerberus.ts";
import { cityMarketShops } from "./city-market-shops.ts";
import { haziHinam } from "./hazi-hinam.ts";
import { laibcatalog } from "./laibcatalog.ts";
import { matrix } from "./matrix.ts";
import { meshnatYosefWorker } from "./meshnat-yosef-worker.ts";
import { netivHesed } from "./netiv-hesed.ts";
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
  for (const [name, target] of chains.outsidePortals) families.set(name, await loadOutside(name, target));
  return families;
}

async function loadOutside(name: string, target: string): Promise<PortalFamily> {
  let module: unknown;
  try {
    module = await import(isAbsolute(target) ? pathToFileURL(target).href : target);
  } catch (cause) {
    throw new UsageError(`portal family "${name}": ${target} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
  const { default: byDefault, family } = module as { default?: unknown; family?: unknown };
  for (const candidate of [byDefault, family]) {
    if (!isFamily(candidate)) continue;
    return {
      name,
      list: (context, filter) => candidate.list(context, filter),
      resolve: (context, file) => candidate.resolve(context, file),
    };
  }
  throw new UsageError(`portal family "${name}": ${target} exports no family`, {
    hint: "export default an object with name, list and resolve (PortalFamily)",
  });
}

function isFamily(value: unknown): value is PortalFamily {
  return (
    typeof value === "object" &&
    value !== null &&
    "list" in value &&
    typeof value.list === "function" &&
    "resolve" in value &&
    typeof value.resolve === "function"
  );
}
