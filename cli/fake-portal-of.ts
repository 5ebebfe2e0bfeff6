import { loadOutside } from "../crawlers/portals/outside.ts";
import type { LoadedChains } from "../crawlers/chains.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { UsageError } from "../shared/errors.ts";
import { FAKE_PORTALS } from "../test/fake-portals/index.ts";
import { sampleFilesOf } from "./sample-files.ts";

/** A local server in place of a chain's portal, with one invented file of each type. */
export interface PortalInPlace {
  /** The chain, pointed at the server; everything that is its own stays: ids, account, settings, limits. */
  chain: Chain;
  close(): Promise<void>;
}

/**
 * Starts the fake portal of a chain's family on the loopback address.
 * @throws {UsageError} for a family outside the package whose module starts none
 */
export async function startPortalInPlace(
  chain: Chain,
  { outsidePortals }: Pick<LoadedChains, "outsidePortals">,
  now = new Date(),
): Promise<PortalInPlace> {
  const files = sampleFilesOf(chain, now);
  const outside = outsidePortals.get(chain.portal);
  if (outside !== undefined) {
    const { startFake } = await loadOutside(chain.portal, outside);
    if (startFake === null) {
      throw new UsageError(`portal family "${chain.portal}" brings no fake portal to check against`, {
        hint: "--live asks the real portal; or export startFake from its module",
      });
    }
    const { url, close } = await startFake(files);
    const { hostname } = new URL(url);
    return { chain: { ...chain, baseUrl: url, hosts: [hostname], allowPrivateHosts: [hostname], proxy: null }, close };
  }
  const start = FAKE_PORTALS[chain.portal];
  if (start === undefined) {
    throw new UsageError(`portal family "${chain.portal}" has no fake portal to check against`, {
      hint: "--live asks the real portal; test/fake-portals/ is where fake portals are",
    });
  }
  const { key, nameEn, nameHe, chainIds, ftp } = chain;
  const portal = await start(files, {
    chain: { key, nameEn, nameHe, chainIds },
    ...(ftp === null ? {} : { account: ftp }),
  });
  const entry = portal.chainOverrides()[key];
  if (entry === undefined) throw new Error(`the fake portal of ${chain.portal} names another chain than ${key}`);
  const { baseUrl, hosts, allowPrivateHosts } = entry;
  return {
    chain: {
      ...chain,
      baseUrl,
      hosts: [...hosts],
      allowPrivateHosts: [...allowPrivateHosts],
      proxy: null,
      ftp: entry.ftp ?? null,
      settings: { ...chain.settings, ...entry.settings },
    },
    close: () => portal.close(),
  };
}
