import { describe, expect, test } from "vitest";
import { shufersal } from "../../../../crawlers/portals/shufersal.ts";
import { LayoutNotRecognisedError, PermanentError } from "../../../../shared/errors.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const chain = chainOn("shufersal", { baseUrl: "https://prices.test/", maxParallel: 4 });
const NAME = "PriceFull7290027600007-999-202601020300";
const LIVE = "2026-01-02T10%3A31%3A00Z";

function linkOf(name: string, expiry = LIVE): string {
  return `http://blob.test/pricefull/${name}.gz?sv=2014-02-14&amp;sr=b&amp;sig=aB%2Bc%2Fd%3D&amp;se=${expiry}&amp;sp=r`;
}

function rowOf(name: string, expiry = LIVE): string {
  return `<tr class="webgrid-row-style"><td><a href="${linkOf(name, expiry)}" target="_blank">get</a></td>
    <td>1/2/2026 3:00:00 AM</td><td>1.43 MB</td><td>GZ</td><td>pricefull</td><td>999 - branch of 20 KB</td><td>${name}</td><td>1</td></tr>`;
}

function gridOf(rows: string[], last: number | null): string {
  const foot = Array.from({ length: last ?? 0 }, (_, index) => index + 1)
    .filter((page) => page > 1 && (page < 5 || page === last))
    .map((page) => `<a href="/FileObject/UpdateCategory?catID=2&amp;page=${page}">${page}</a>`);
  const tfoot = last === null ? "" : `<tfoot><tr><td colspan="8"><a href="#">1</a> ${foot.join(" ")}</td></tr></tfoot>`;
  return `<div id="gridContainer"><table class="webgrid"><thead><tr><th>Download</th></tr></thead>${tfoot}<tbody>${rows.join("")}</tbody></table></div>`;
}

describe("the listing", () => {
  test("gives the name, the signed link decoded once, and the printed size as text", async () => {
    const portal = portalAnswering(chain, () => gridOf([rowOf(NAME)], null));
    expect(await listAll(shufersal, portal)).toEqual([
      {
        fileName: `${NAME}.gz`,
        url: `http://blob.test/pricefull/${NAME}.gz?sv=2014-02-14&sr=b&sig=aB%2Bc%2Fd%3D&se=2026-01-02T10%3A31%3A00Z&sp=r`,
        sizeBytes: null,
        listedAt: "1.43 MB",
      },
    ]);
    expect(portal.requests).toEqual(["https://prices.test/FileObject/UpdateCategory?catID=0"]);
  });

  test("follows a pager of three digits with no more requests at once than the chain allows", async () => {
    const page = (url: string) => new URL(url).searchParams.get("page") ?? "1";
    const portal = portalAnswering(chain, (url) =>
      gridOf([rowOf(`Price7290027600007-${page(url)}-202601020300`)], 137),
    );
    expect(await listAll(shufersal, portal)).toHaveLength(137);
    expect(new Set(portal.requests).size).toBe(137);
    expect(portal.mostAtOnce()).toBeLessThanOrEqual(4);
  });

  test("asks for the categories of the wanted types, and by store when there are few", async () => {
    const portal = portalAnswering(chain, () => gridOf([], null));
    await listAll(shufersal, portal, { types: ["price", "stores"], stores: ["007"] });
    expect(portal.requests).toEqual([
      "https://prices.test/FileObject/UpdateCategory?catID=1&storeId=7",
      "https://prices.test/FileObject/UpdateCategory?catID=5",
    ]);
  });

  test("that has no grid, or rows without links, says which selector was missing", async () => {
    const without = portalAnswering(chain, () => "<html><body>maintenance</body></html>");
    await expect(listAll(shufersal, without)).rejects.toThrow(LayoutNotRecognisedError);
    await expect(listAll(shufersal, without)).rejects.toThrow(/#gridContainer > table.*maintenance/);
    const moved = portalAnswering(chain, () => gridOf(["<tr><td>1</td><td>a.gz</td></tr>"], null));
    await expect(listAll(shufersal, moved)).rejects.toThrow(/a\[href\] in the first cell/);
  });

  test("with no rows is empty, not an error", async () => {
    const portal = portalAnswering(chain, () => gridOf(['<tr><td colspan="8">no rows</td></tr>'], null));
    expect(await listAll(shufersal, portal)).toEqual([]);
  });
});

describe("a link", () => {
  const file = { fileName: `${NAME}.gz`, fileType: "price-full" as const };
  const signed = linkOf(NAME).replaceAll("&amp;", "&");

  test("that lives long enough is used as listed", async () => {
    const portal = portalAnswering(chain, {});
    expect(await shufersal.resolve(portal, { ...file, url: signed, fresh: false })).toEqual({
      url: signed,
      expiresAt: new Date("2026-01-02T10:31:00Z"),
    });
    expect(portal.requests).toEqual([]);
  });

  test.each([
    ["expired", linkOf(NAME, "2026-01-02T09%3A59%3A00Z").replaceAll("&amp;", "&"), false],
    ["about to expire", linkOf(NAME, "2026-01-02T10%3A00%3A30Z").replaceAll("&amp;", "&"), false],
    ["kept by the ledger without its signature", `http://blob.test/pricefull/${NAME}.gz`, false],
    ["refused by the portal", signed, true],
  ])("that is %s is looked up again, in its own type and store", async (_, url, fresh) => {
    const portal = portalAnswering(chain, (address) =>
      address.includes("catID=2&storeId=999") ? gridOf([rowOf(NAME, "2026-01-02T12%3A00%3A00Z")], null) : undefined,
    );
    const target = await shufersal.resolve(portal, { ...file, url, fresh });
    expect(target.expiresAt).toEqual(new Date("2026-01-02T12:00:00Z"));
    expect(target.url).toContain("sig=aB%2Bc%2Fd%3D");
    expect(portal.requests).toHaveLength(1);
  });

  test("of a file that the store filter misses is found in the whole category", async () => {
    const portal = portalAnswering(chain, (address) => gridOf(address.includes("storeId") ? [] : [rowOf(NAME)], null));
    expect((await shufersal.resolve(portal, { ...file, url: "http://blob.test/x", fresh: true })).url).toBe(signed);
  });

  test("of a file that is no longer listed is a permanent error that names it", async () => {
    const portal = portalAnswering(chain, () => gridOf([], null));
    await expect(shufersal.resolve(portal, { ...file, url: "http://blob.test/x", fresh: true })).rejects.toThrow(
      PermanentError,
    );
  });
});
