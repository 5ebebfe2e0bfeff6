import type { Chain } from "../shared/contracts/chain.ts";
import type { EntryNeeds, PortalFamily } from "../shared/contracts/portal-family.ts";
import { UsageError } from "../shared/errors.ts";
import type { ChainRegistry } from "../shared/stage.ts";
import type { PortalFamilies } from "./portals/index.ts";

export interface ChosenChain {
  chain: Chain;
  family: PortalFamily;
}

/**
 * The chains to crawl: those named, retired ones included, or all that are not retired.
 * @throws {UsageError} for a key that is not in the registry, or a chain on a portal that no plugin knows
 */
export function chooseChains(
  chains: ChainRegistry,
  families: PortalFamilies,
  keys: readonly string[] | undefined,
): ChosenChain[] {
  const chosen = keys
    ? [...new Set(keys)].map((key) => chainOf(chains, key))
    : chains.all().filter((chain) => chain.status !== "retired");
  return chosen.map((chain) => ({ chain, family: familyOf(chain, families) }));
}

/** @throws {UsageError} naming keys that come near */
export function chainOf(chains: ChainRegistry, key: string): Chain {
  const chain = chains.byKey(key);
  if (chain) return chain;
  const near = chains
    .all()
    .map((other) => other.key)
    .filter((other) => other.includes(key) || key.includes(other) || other.startsWith(key.slice(0, 3)));
  throw new UsageError(`there is no chain "${key}" in the registry`, {
    hint: near.length > 0 ? `did you mean ${near.slice(0, 5).join(", ")}?` : "gogobe chains list shows every key",
  });
}

/** @throws {UsageError} for a portal without a plugin, or an entry that lacks what its portal needs */
export function familyOf(chain: Chain, families: PortalFamilies): PortalFamily {
  const family = families.get(chain.portal);
  if (family) {
    const lacking = lacks(chain, family.needs ?? {});
    if (lacking.length === 0) return family;
    throw new UsageError(`chain "${chain.key}" on portal "${chain.portal}" is wrong: ${lacking.join("; ")}`, {
      hint: "mend its entry in the chains file or the registry (chains new: --base-url, --username, --setting)",
    });
  }
  throw new UsageError(`chain "${chain.key}" is on portal "${chain.portal}", for which there is no plugin`, {
    hint: `known portals: ${[...families.keys()].join(", ")}; name a module of your own under "$portals" in the chains file`,
  });
}

function lacks(chain: Chain, { schemes = ["http", "https"], account = false, settings = {} }: EntryNeeds): string[] {
  const scheme = new URL(chain.baseUrl).protocol.replace(":", "");
  const missing = Object.entries(settings).filter(([name]) => chain.settings[name] === undefined);
  return [
    ...(schemes.includes(scheme) ? [] : [`baseUrl is ${scheme}://, this portal speaks ${schemes.join(" or ")}`]),
    ...(account && chain.ftp === null ? ['"ftp" is missing: the account to log in with'] : []),
    ...missing.map(([name, about]) => `settings.${name} is missing: ${about}`),
  ];
}
