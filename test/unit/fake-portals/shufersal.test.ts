import { load } from "cheerio";
import { afterEach, describe, expect, test } from "vitest";
import { type FakeShufersal, type ShufersalOptions, startShufersal } from "../../fake-portals/shufersal.ts";
import { bytesOf, sampleFile, sampleStores } from "./sample-files.ts";

let portal: FakeShufersal | undefined;
afterEach(() => portal?.close());

async function start(options: ShufersalOptions = {}, files = sampleStores(45)): Promise<FakeShufersal> {
  portal = await startShufersal(files, options);
  return portal;
}

/** One page as the documentation says it is read: anchor of cell 1, size of cell 3, largest page number of the footer. */
async function page(on: FakeShufersal, query: string) {
  const html = await (await fetch(`${on.url}/FileObject/UpdateCategory?${query}`)).text();
  const $ = load(html);
  const rows = $("#gridContainer > table > tbody > tr").toArray();
  const links = rows.map((row) => $(row).find("td:nth-child(1) a").attr("href") ?? "");
  const sizes = rows.map((row) => $(row).find("td:nth-child(3)").text());
  const footer = $("#gridContainer > table > tfoot a")
    .toArray()
    .map((anchor) => $(anchor).attr("href") ?? "");
  const numbers = footer.map((href) => Number(/page=(\d+)/.exec(href)?.[1] ?? 0));
  return {
    html,
    links,
    sizes,
    last: Math.max(0, ...numbers),
    names: links.map((link) => new URL(link).pathname.split("/").at(-1)),
  };
}

describe("the Shufersal portal", () => {
  test("lists 20 rows a page, names the last page in the footer, and serves what a link points at", async () => {
    const on = await start();
    const first = await page(on, "catID=2");
    expect(first.names).toEqual(sampleStores(20).map((file) => file.name));
    expect(first.last).toBe(3);
    expect(first.sizes[0]).toBe("300 B");
    expect((await page(on, "catID=2&page=3")).names).toHaveLength(5);
    expect((await page(on, "catID=2&page=9")).names).toEqual([]);
    const answer = await fetch(first.links[0] ?? "");
    expect(answer.headers.get("content-length")).toBe("300");
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytesOf(sampleStores(1)[0]));
    expect(on.served()).toEqual([sampleStores(1)[0]?.name]);
  });

  test("has the sixth anchor of a long footer point at the last page", async () => {
    const on = await start({}, sampleStores(200));
    const $ = load((await page(on, "catID=0")).html);
    const sixth = $("#gridContainer > table > tfoot > tr > td > a:nth-of-type(6)").attr("href");
    expect(sixth).toBe("/FileObject/UpdateCategory?catID=0&page=10");
    expect((await page(on, "catID=0")).last).toBe(10);
  });

  test("escapes the ampersands of its links and signs them", async () => {
    const on = await start();
    const { html, links } = await page(on, "catID=0");
    expect(html).toContain("&amp;sig=");
    const tampered = new URL(links[0] ?? "");
    tampered.searchParams.set("se", "2099-01-01T00:00:00Z");
    const answer = await fetch(tampered);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toMatch(/<Code>AuthenticationFailed/);
  });

  test("refuses links after their time with an Azure error, and gives fresh ones", async () => {
    let now = Date.parse("2026-01-02T03:00:00Z");
    const on = await start({ now: () => now });
    const [link = ""] = (await page(on, "catID=0")).links;
    expect(link).toContain("se=2026-01-02T03%3A30%3A00Z");
    now += 31 * 60_000;
    expect((await fetch(link)).status).toBe(403);
    const [fresh = ""] = (await page(on, "catID=0")).links;
    expect((await fetch(fresh)).status).toBe(200);
    on.expireLinks();
    expect((await fetch(fresh)).status).toBe(403);
  });

  test("filters by category and by store", async () => {
    const on = await start({}, [
      ...sampleStores(3),
      ...sampleStores(3, "7299900000019", "Promo"),
      sampleFile("Stores7299900000019-000-202601020201.gz"),
    ]);
    expect((await page(on, "catID=3")).names).toHaveLength(3);
    expect((await page(on, "catID=5")).names).toEqual(["Stores7299900000019-000-202601020201.gz"]);
    expect((await page(on, "catID=0&storeId=2")).names).toHaveLength(2);
  });

  test("has the quirks that a crawler must survive", async () => {
    const on = await start({
      repeatsRowOnNextPage: true,
      shrinksBy: 3,
      beyondEnd: "last",
      expiredNames: [sampleStores(1)[0]?.name ?? ""],
    });
    const first = await page(on, "catID=0");
    expect((await fetch(first.links[0] ?? "")).status).toBe(403);
    const second = await page(on, "catID=0&page=2");
    expect(second.names).toHaveLength(21);
    expect(second.names[1]).toBe(sampleStores(24)[23]?.name);
    expect((await page(on, "catID=0&page=8")).names).toEqual((await page(on, "catID=0&page=3")).names);
  });

  test("can have faults: busy, cut, redirected, slow, an endless page, dropped, down", async () => {
    const on = await start();
    on.addFault({ kind: "status", status: 503, retryAfterSeconds: 7, times: 1 });
    const busy = await fetch(`${on.url}FileObject/UpdateCategory`);
    expect([busy.status, busy.headers.get("retry-after")]).toEqual([503, "7"]);
    const [link = ""] = (await page(on, "catID=0")).links;

    on.addFault({ kind: "truncate", afterBytes: 100, on: /pricefull/, times: 1 });
    const cut = await fetch(link);
    expect(cut.headers.get("content-length")).toBe("300");
    await expect(cut.arrayBuffer()).rejects.toThrow(/terminated|aborted/);
    expect(on.served()).toEqual([]);

    on.addFault({ kind: "redirect", to: "http://192.0.2.1/elsewhere", times: 1 });
    const moved = await fetch(link, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([302, "http://192.0.2.1/elsewhere"]);

    on.addFault({ kind: "slow", msPerChunk: 1, chunkBytes: 30, times: 1 });
    expect(await (await fetch(link)).arrayBuffer()).toHaveProperty("byteLength", 300);

    on.addFault({ kind: "huge-html", bytes: 3_000_000, times: 1 });
    expect((await (await fetch(link)).text()).length).toBeGreaterThan(3_000_000);

    on.addFault({ kind: "drop", times: 1 });
    await expect(fetch(link)).rejects.toThrow(/fetch failed/);

    await on.goDown();
    await expect(fetch(link)).rejects.toThrow(/fetch failed/);
    await on.comeBack();
    expect((await fetch(link)).status).toBe(200);
    expect(on.requests.map((request) => request.status)).toContain(503);
  });

  test("measures how many requests run at one time", async () => {
    const on = await start();
    const { links } = await page(on, "catID=0");
    on.addFault({ kind: "slow", msPerChunk: 20, chunkBytes: 100 });
    await Promise.all(links.slice(0, 4).map(async (link) => (await fetch(link)).arrayBuffer()));
    expect(on.peakParallel()).toBe(4);
  });

  test("gives an override that points the crawler at itself", async () => {
    const on = await start();
    expect(on.chainOverrides()).toEqual({
      shufersal: expect.objectContaining({
        portal: "shufersal",
        baseUrl: on.url,
        hosts: ["127.0.0.1"],
        allowPrivateHosts: ["127.0.0.1"],
      }),
    });
  });
});
