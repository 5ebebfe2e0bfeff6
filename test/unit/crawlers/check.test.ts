import { describe, expect, test } from "vitest";
import { checkChain } from "../../../crawlers/check.ts";
import type { Chain } from "../../../shared/contracts/chain.ts";
import type { ListedFile, PortalFamily } from "../../../shared/contracts/portal-family.ts";
import { RetryableError } from "../../../shared/errors.ts";
import { chainOn } from "./helpers/portal.ts";

const now = () => new Date("2026-01-13T12:00:00Z");
const chain: Chain = chainOn("written");

function accessOf() {
  let open = 0;
  const nothing = () => Promise.reject(new Error("not asked"));
  return {
    openSessions: () => open,
    forChain() {
      open++;
      return { http: { text: nothing }, ftp: { list: nothing }, close: async () => void open-- };
    },
  };
}

function familyOf(names: string[], resolve: PortalFamily["resolve"], error?: Error): PortalFamily {
  return {
    name: "written",
    async *list() {
      yield names.map(
        (fileName): ListedFile => ({
          fileName,
          url: `http://p.test/${fileName}?sig=1`,
          sizeBytes: null,
          listedAt: null,
        }),
      );
      if (error) throw error;
    },
    resolve,
  };
}

describe("checking a chain", () => {
  test("counts by type, samples the newest of each type and the names that do not parse, and resolves one link", async () => {
    const access = accessOf();
    const names = [
      "PriceFull7290000000001-001-202601130300.gz",
      "PriceFull7290000000001-002-202601130900.gz",
      "Stores7290000000001-000-202601130100.xml",
      "readme.txt",
    ];
    const family = familyOf(names, async (_, file) => ({ url: `${file.url}&more=1`, expiresAt: new Date(0) }));
    const check = await checkChain({ access }, chain, family, { now });
    expect(check).toMatchObject({
      state: "found",
      filesListed: 3,
      filesByType: { "price-full": 2, stores: 1, price: 0, promo: 0, "promo-full": 0 },
      unknownNames: 1,
      unknownSamples: ["readme.txt"],
      resolved: { fileName: names[1], url: `http://p.test/${names[1]}`, expiresAt: new Date(0), error: null },
    });
    expect(check.samples.map((sample) => [sample.identity.fileName, sample.url])).toEqual([
      [names[1], `http://p.test/${names[1]}?sig=1`],
      [names[2], `http://p.test/${names[2]}?sig=1`],
    ]);
    expect(access.openSessions()).toBe(0);
  });

  test("of a portal that fails reports the state, and one whose link cannot be resolved says why", async () => {
    const name = "PriceFull7290000000001-001-202601130300.gz";
    const refuse = () => Promise.reject(new Error("gone"));
    const down = await checkChain(
      { access: accessOf() },
      chain,
      familyOf([], refuse, new RetryableError("host p: down")),
      { now },
    );
    expect(down).toMatchObject({ state: "unreachable", detail: "host p: down", resolved: null });
    const stale = await checkChain({ access: accessOf() }, chain, familyOf([name], refuse), { now });
    expect(stale.resolved).toEqual({ fileName: name, url: `http://p.test/${name}`, expiresAt: null, error: "gone" });
  });
});
