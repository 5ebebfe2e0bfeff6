import { describe, expect, test } from "vitest";
import { superPharm } from "../../../../crawlers/portals/super-pharm.ts";
import { PortalStatusError } from "../../../../shared/net/net-errors.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const chain = chainOn("super-pharm", { baseUrl: "http://pharm.test/" });
const day = { since: "2026-01-02", until: "2026-01-02" };
const NAME = "PromoFull7290000000060-224-202601020634.gz";
const HEX = "0123456789abcdef0123456789abcdef";
const rowOf = (name: string, hex = HEX) =>
  `<tr><td>1</td><td>${name}</td><td>02/01/2026 06:34</td><td>PromoFull</td><td>branch</td><td><a href="/home/getlink/${hex}/">download</a></td></tr>`;
const pageOf = (rows: string[], last?: number) =>
  `<table><thead><tr><th>#</th></tr></thead><tbody>${rows.join("")}</tbody></table>${
    last === undefined
      ? ""
      : `<div class="mvc-grid-pager"><button data-page="1">1</button><button data-page="${last}">&raquo;</button></div>`
  }`;

describe("the listing", () => {
  test("reads names and links, skips the placeholder row, and follows the pager", async () => {
    const portal = portalAnswering(chain, (address) => {
      const number = Number(new URL(address).searchParams.get("page") ?? 1);
      return number === 3
        ? pageOf(['<tr class="mvc-grid-empty-row"><td colspan="6">no rows</td></tr>'], 3)
        : pageOf([rowOf(`PromoFull7290000000060-00${number}-202601020634.gz`)], 3);
    });
    const files = await listAll(superPharm, portal, day);
    expect(files.map((file) => file.fileName)).toEqual([
      "PromoFull7290000000060-001-202601020634.gz",
      "PromoFull7290000000060-002-202601020634.gz",
    ]);
    expect(files[0]).toMatchObject({ url: `http://pharm.test/home/getlink/${HEX}/`, sizeBytes: null, listedAt: null });
    expect(new Set(portal.requests).size).toBe(3);
  });

  test("asks by day and category; delta promotions stand among the full ones", async () => {
    const portal = portalAnswering(chain, () => pageOf([]));
    await listAll(superPharm, portal, { ...day, types: ["promo", "promo-full", "stores"] });
    expect(portal.requests.map((address) => [...new URL(address).searchParams.values()])).toEqual([
      ["02/01/2026", "PromoFull"],
      ["02/01/2026", "Stores"],
    ]);
  });

  test("without a table is a changed layout", async () => {
    const portal = portalAnswering(chain, () => "<p>moved</p>");
    await expect(listAll(superPharm, portal, day)).rejects.toThrow(/without a table/);
  });
});

describe("a link", () => {
  const file = { fileName: NAME, fileType: "promo-full" as const, url: `http://pharm.test/home/getlink/${HEX}/` };
  const second = `{"status":0,"href":"/home/get/${HEX}/fedcba9876543210fedcba9876543210/1767330000"}`;

  test("is exchanged for an address that says when it expires", async () => {
    const portal = portalAnswering(chain, { [file.url]: second });
    expect(await superPharm.resolve(portal, { ...file, fresh: false })).toEqual({
      url: `http://pharm.test/home/get/${HEX}/fedcba9876543210fedcba9876543210/1767330000`,
      expiresAt: new Date(1767330000 * 1000),
    });
  });

  test.each([
    ["answers Link Expired", () => "Link Expired"],
    ["answers another status", () => '{"status":5,"href":""}'],
    [
      "is refused",
      (): string => {
        throw new PortalStatusError("pharm.test", 404, "no such link", { hostFailure: false });
      },
    ],
  ])("that %s is looked up again in its own day and category", async (_, stale) => {
    const renewed = "f".repeat(32);
    const portal = portalAnswering(chain, (address) => {
      if (address === file.url) return stale();
      if (address.endsWith(`/home/getlink/${renewed}/`)) return second;
      return address.includes("02%2F01%2F2026") && address.includes("PromoFull")
        ? pageOf([rowOf(NAME, renewed)])
        : undefined;
    });
    expect((await superPharm.resolve(portal, { ...file, fresh: false })).url).toContain("/home/get/");
    expect((await superPharm.resolve(portal, { ...file, fresh: true })).url).toContain("/home/get/");
  });

  test("of a host that is down is not looked up at all", async () => {
    const portal = portalAnswering(chain, () => {
      throw new PortalStatusError("pharm.test", 503, "unavailable", { hostFailure: true });
    });
    await expect(superPharm.resolve(portal, { ...file, fresh: false })).rejects.toThrow("unavailable");
    expect(portal.requests).toHaveLength(1);
  });
});
