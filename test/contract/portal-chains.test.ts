import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { loadChains } from "../../crawlers/chains.ts";
import { identityOf } from "../../crawlers/listed-file.ts";
import { builtInFamilies } from "../../crawlers/portals/index.ts";
import type { Chain } from "../../shared/contracts/chain.ts";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import { israelDay } from "../../shared/israel-time.ts";
import { FAKE_PORTALS } from "../fake-portals/index.ts";
import { publishedName, type PublishedType } from "../fixtures/file-names.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createTestDatabase, type TestDatabase } from "../helpers/database.ts";
import { nameFormOf } from "./portal-subjects.ts";
import { NOW, openPortalWorld, type PortalWorld } from "./portal-world.ts";

let database: TestDatabase;
let world: PortalWorld | undefined;
beforeAll(async () => void (database = await createTestDatabase()));
afterEach(() => world?.close());
afterAll(() => database.drop());

const TYPES: readonly PublishedType[] = ["PriceFull", "Price", "PromoFull", "Promo", "Stores"];

/** One file of every type under every id that the chain's names carry, short ids included, bare and padded. */
function filesOf(chain: Chain): PortalFile[] {
  const aliases = chain.chainIdAliases ?? [];
  const ids = [...chain.chainIds, ...aliases, ...aliases.map((alias) => alias.padStart(13, "0"))];
  return [...new Set(ids)].flatMap((chainId) =>
    TYPES.map((type): PortalFile => {
      const storeId = type === "Stores" ? "000" : "001";
      const name = publishedName({ type, chainId, storeId, day: israelDay(NOW), ...nameFormOf(chain.portal) });
      return { name, content: Buffer.from(`invented ${name}`), publishedAt: NOW };
    }),
  );
}

const registry = loadChains({ chainsFile: null });

test.each(registry.all().map((chain) => [chain.key, chain.portal, chain] as const))(
  "%s (%s) lists all that carries one of its ids, and downloads it, with its own settings and account",
  async (key, portalKind, chain) => {
    const startFake = FAKE_PORTALS[portalKind];
    const plugin = builtInFamilies().get(portalKind) as PortalFamily;
    if (!startFake) throw new Error(`no fake portal of ${portalKind}`);
    const files = filesOf(chain);
    const portal = await startFake(files, { chain, ...(chain.ftp ? { account: chain.ftp } : {}) });
    world = await openPortalWorld({ db: database.pool, plugin, portal });
    expect(world.chain).toEqual({
      ...chain,
      baseUrl: world.chain.baseUrl,
      hosts: world.chain.hosts,
      allowPrivateHosts: world.chain.allowPrivateHosts,
    });
    const listing = await world.list();
    expect(listing).toMatchObject({ state: "found", detail: null, unknownNames: 0 });
    expect(listing.names.toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    const ids = listing.files.map((file) => identityOf(chain, file, 0).chainId);
    expect(new Set(ids)).toEqual(new Set(chain.chainIds));
    for (const file of listing.files.filter((_, index) => index % TYPES.length === 0)) {
      expect(String(await world.download(file))).toBe(`invented ${file.listed.fileName}`);
    }
    expect(world.chain.key).toBe(key);
  },
);
