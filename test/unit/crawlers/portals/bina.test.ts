import { describe, expect, test } from "vitest";
import { bina } from "../../../../crawlers/portals/bina.ts";
import { LayoutNotRecognisedError } from "../../../../shared/errors.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const chain = chainOn("bina", { baseUrl: "http://corner.bina.test/" });
const day = { since: "2026-01-02", until: "2026-01-02" };
const WORD = ["", "Stores", "Price", "Promo", "PriceFull", "PromoFull"];

interface Row {
  type: number;
  store: string;
  name: string;
}

/** A portal that filters by type, store and chain id like the real one, and cuts every answer at 1000 rows. */
function portalWith(rows: Row[], padded = true) {
  return portalAnswering(chain, (address) => {
    const query = new URL(address).searchParams;
    expect(query.get("wReshet")).toBe("הכל");
    if (query.get("WDate") !== "02/01/2026") return "[]";
    const type = Number(query.get("WFileType"));
    const store = query.get("WStore") ?? "";
    const found = rows.filter((row) => {
      const code = padded ? row.store : String(Number(row.store));
      return (type === 0 || row.type === type) && (store === "" || code === store);
    });
    return JSON.stringify(found.slice(0, 1000).map((row) => ({ FileNm: row.name, Store: row.store })));
  });
}

function filesOf(stores: number, deltas: number): Row[] {
  return Array.from({ length: stores }, (_, index) => String(index + 1).padStart(3, "0")).flatMap((store) => {
    const row = (type: number, time: string) => ({
      type,
      store,
      name: `${WORD[type]}7290000000022-${store}-20260102${time}.gz`,
    });
    const hourly = Array.from({ length: deltas }, (_, n) =>
      row(2, `${String(Math.floor(n / 60)).padStart(2, "0")}${String(n % 60).padStart(2, "0")}`),
    );
    return [...hourly, row(4, "0300")];
  });
}

describe("the listing", () => {
  test("of a quiet day is one question per chain id and day", async () => {
    const rows = filesOf(3, 5);
    const portal = portalWith(rows);
    expect((await listAll(bina, portal, day)).map((file) => file.fileName).toSorted()).toEqual(
      rows.map((row) => row.name).toSorted(),
    );
    expect(portal.requests).toHaveLength(1);
    const three = { ...portalWith([]), chain: { ...chain, chainIds: ["1", "2", "3"] } };
    await listAll(bina, three, day);
    expect(three.requests.map((address) => new URL(address).searchParams.get("_"))).toEqual(["1", "2", "3"]);
  });

  test.each([
    ["as in the names", true],
    ["without zeros", false],
  ])("beyond 1000 rows is complete: split by type, then by store written %s", async (_, padded) => {
    const rows = filesOf(80, 30);
    const portal = portalWith(rows, padded);
    const names = new Set((await listAll(bina, portal, day)).map((file) => file.fileName));
    expect(names.size).toBe(80 * 31);
    expect(portal.mostAtOnce()).toBeLessThanOrEqual(chain.maxParallel);
  });

  test("of deltas alone learns the stores that the cut hides from the full files", async () => {
    const portal = portalWith(filesOf(80, 30));
    const files = await listAll(bina, portal, { ...day, types: ["price"] });
    expect(new Set(files.map((file) => file.fileName)).size).toBe(80 * 30);
  });

  test("that cannot be split far enough says so instead of losing rows", async () => {
    await expect(listAll(bina, portalWith(filesOf(1, 1001)), day)).rejects.toThrow(/some are cut off/);
  });

  test("that is no JSON or lost its key is a changed layout", async () => {
    const page = portalAnswering(chain, () => "<html>blocked</html>");
    await expect(listAll(bina, page, day)).rejects.toThrow(/a JSON array.*blocked/);
    const renamed = portalAnswering(chain, () => '[{"FileName":"x"}]');
    await expect(listAll(bina, renamed, day)).rejects.toThrow(/the key "FileNm"/);
  });
});

describe("a link", () => {
  const file = {
    fileName: "PriceFull7290000000022-004-202601020412.gz",
    fileType: "price-full" as const,
    fresh: false,
  };

  test("is exchanged for the address by the name, also when the ledger kept it without its query", async () => {
    const portal = portalAnswering(chain, {
      "http://corner.bina.test/Download.aspx?FileNm=PriceFull7290000000022-004-202601020412.gz":
        '[{"SPath":"https://other.test/Download/PriceFull7290000000022-004-202601020412.gz"}]',
    });
    expect(await bina.resolve(portal, { ...file, url: "http://corner.bina.test/Download.aspx" })).toEqual({
      url: "https://other.test/Download/PriceFull7290000000022-004-202601020412.gz",
    });
  });

  test("that leads nowhere names the key", async () => {
    const portal = portalAnswering(chain, () => '[{"SPath":""}]');
    await expect(bina.resolve(portal, { ...file, url: "x" })).rejects.toThrow(LayoutNotRecognisedError);
  });
});
