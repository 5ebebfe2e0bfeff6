import { describe, expect, test } from "vitest";
import { checkChain } from "../../../crawlers/check.ts";
import type { Chain } from "../../../shared/contracts/chain.ts";
import type { ListedFile, PortalFamily } from "../../../shared/contracts/portal-family.ts";
import { LayoutNotRecognisedError, RetryableError } from "../../../shared/errors.ts";
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

function familyOf(names: string[], error?: Error): PortalFamily {
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
    resolve: () => Promise.reject(new Error("not asked")),
  };
}

describe("checking a chain", () => {
  test("counts by type, samples the newest of each type and the names that do not parse", async () => {
    const access = accessOf();
    const names = [
      "Stores7290000000001-000-202601130100.xml",
      "PriceFull7290000000001-001-202601130300.gz",
      "PriceFull7290000000001-002-202601130900.gz",
      "readme.txt",
    ];
    const check = await checkChain({ access }, chain, familyOf(names), { now });
    expect(check).toMatchObject({
      state: "found",
      filesListed: 3,
      filesByType: { "price-full": 2, stores: 1, price: 0, promo: 0, "promo-full": 0 },
      unknownNames: 1,
      unknownSamples: ["readme.txt"],
      foreignChainIds: [],
      days: { since: "2026-01-12", until: "2026-01-13" },
    });
    expect(check.samples.map((sample) => [sample.identity.fileName, sample.url])).toEqual([
      [names[2], `http://p.test/${names[2]}?sig=1`],
      [names[0], `http://p.test/${names[0]}?sig=1`],
    ]);
    expect(access.openSessions()).toBe(0);
  });

  test("notices chain ids that its entry does not name, whatever zeros stand before them", async () => {
    const names = ["7290000000001", "07290000000001", "55", "0055", "7299999999999"].map(
      (id, store) => `PriceFull${id}-00${store}-202601130300.gz`,
    );
    const aliased = { ...chain, chainIdAliases: ["55"] };
    const { foreignChainIds } = await checkChain({ access: accessOf() }, aliased, familyOf(names), { now });
    expect(foreignChainIds).toEqual(["7299999999999"]);
  });

  test("asks for what it is told to", async () => {
    const names = ["001", "002"].flatMap((store) => [
      `PriceFull7290000000001-${store}-202601130300.gz`,
      `PromoFull7290000000001-${store}-202601100300.gz`,
    ]);
    const checked = (filter: object) => checkChain({ access: accessOf() }, chain, familyOf(names), { now, filter });
    expect((await checked({ types: ["price-full"], stores: ["2"] })).filesListed).toBe(1);
    expect((await checked({ since: "2026-01-10" })).filesListed).toBe(4);
  });

  test("of a portal that fails reports the state, after the files that came before", async () => {
    const broken = familyOf(["PriceFull7290000000001-001-202601130300.gz"], new RetryableError("host p: down"));
    const down = await checkChain({ access: accessOf() }, chain, broken, { now });
    expect(down).toMatchObject({ state: "unreachable", detail: "host p: down (after 1 files)", filesListed: 1 });
    const drifted = familyOf([], new LayoutNotRecognisedError("written: no table.webgrid"));
    expect(await checkChain({ access: accessOf() }, chain, drifted, { now })).toMatchObject({
      state: "layout-not-recognised",
      detail: "written: no table.webgrid",
      samples: [],
    });
  });

  test("that takes too long is unreachable, with the reason of whoever gave it up", async () => {
    const slow: PortalFamily = {
      name: "written",
      async *list() {
        yield await new Promise<ListedFile[]>(() => undefined);
      },
      resolve: () => Promise.reject(new Error("not asked")),
    };
    const signal = AbortSignal.abort(new RetryableError("not finished after 300 s"));
    const check = await checkChain({ access: accessOf() }, chain, slow, { now, signal });
    expect(check).toMatchObject({ state: "unreachable", detail: "not finished after 300 s" });
  });
});
