import { describe, expect, test } from "vitest";
import {
  type Candidate,
  identityOf,
  matches,
  newestOnly,
  readListed,
  withDefaultDays,
} from "../../../crawlers/listed-file.ts";
import type { ListingFilter } from "../../../shared/contracts/portal-family.ts";
import { chainOn } from "./helpers/portal.ts";

function listed(fileName: string): Candidate {
  const candidate = readListed({ fileName, url: "http://portal.test/x", sizeBytes: null, listedAt: null });
  if (!candidate) throw new Error(`not understood: ${fileName}`);
  return candidate;
}
const isAsked = (name: string, filter: ListingFilter) => matches(listed(name).parts, filter);

describe("names", () => {
  test.each([
    "../PriceFull7290000000001-001-202601020300.gz",
    "Price.gz",
    "index.html",
    "a/b.gz",
    "Price1-1-99999999.gz",
  ])("that are unknown or unsafe give null: %s", (fileName) => {
    expect(readListed({ fileName, url: "http://portal.test/x", sizeBytes: null, listedAt: null })).toBeNull();
  });

  test("with an alias of the chain id give an identity under the chain's own id", () => {
    const chain = chainOn("cerberus", { chainIds: ["7290639000004"], chainIdAliases: ["72906390"] });
    const identity = identityOf(chain, listed("Stores0000072906390-202601020730.xml"), 0);
    expect(identity).toMatchObject({ chainId: "7290639000004", storeId: null, fileType: "stores", chain: "invented" });
  });
});

describe("the filter", () => {
  test("takes today and yesterday in Israel when no day is named", () => {
    // 23:30 UTC is the next day in Israel.
    expect(withDefaultDays({}, new Date("2026-01-01T23:30:00Z"))).toEqual({ since: "2026-01-01", until: "2026-01-02" });
    expect(withDefaultDays({ since: "2025-12-01" }, new Date())).toEqual({ since: "2025-12-01" });
  });

  test("takes the day before too when only a last day is named: never everything that lies about", () => {
    expect(withDefaultDays({ until: "2025-12-01" }, new Date())).toEqual({ since: "2025-11-30", until: "2025-12-01" });
  });

  test("includes both of its days, in Israel time", () => {
    const days = { since: "2026-01-01", until: "2026-01-02" };
    expect(isAsked("Price7290000000001-001-202601010000.gz", days)).toBe(true);
    expect(isAsked("Price7290000000001-001-202601022359.gz", days)).toBe(true);
    expect(isAsked("Price7290000000001-001-202512312359.gz", days)).toBe(false);
    expect(isAsked("Price7290000000001-001-202601030000.gz", days)).toBe(false);
  });

  test("compares stores without leading zeros and never drops the chain's stores file", () => {
    expect(isAsked("Price7290000000001-007-202601010000.gz", { stores: ["7"] })).toBe(true);
    expect(isAsked("Price7290000000001-070-202601010000.gz", { stores: ["7"] })).toBe(false);
    expect(isAsked("Stores7290000000001-000-202601010000.gz", { stores: ["7"] })).toBe(true);
    expect(isAsked("Stores7290000000001-000-202601010000.gz", { stores: ["7"], types: ["price"] })).toBe(false);
  });

  test("by type tells full from delta", () => {
    expect(isAsked("PriceFull7290000000001-007-202601010000.gz", { types: ["price"] })).toBe(false);
    expect(isAsked("NULLPriceFull7290000000001-007-202601010000.gz", { types: ["price-full"] })).toBe(true);
  });

  test("latest keeps the newest per store and type, whatever the length of the stamps", () => {
    const names = [
      "Price7290000000001-007-202601010900.gz",
      "Price7290000000001-7-20260101090001.gz",
      "Price7290000000001-008-202601010100.gz",
      "PriceFull7290000000001-007-202601010100.gz",
    ];
    const newest = newestOnly(chainOn("cerberus"), names.map(listed));
    expect(newest.map((candidate) => candidate.listed.fileName).sort()).toEqual([
      "Price7290000000001-008-202601010100.gz",
      "Price7290000000001-7-20260101090001.gz",
      "PriceFull7290000000001-007-202601010100.gz",
    ]);
  });
});
