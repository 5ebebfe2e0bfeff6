import { expect, test } from "vitest";
import { parseHtml } from "../../../crawlers/listing/html.ts";
import { type ListingPage, readPages } from "../../../crawlers/listing/pages.ts";
import { readFileTable } from "../../../crawlers/listing/table.ts";
import { noCounts, readListing } from "../../../crawlers/read-listing.ts";
import { judgeListing } from "../../../crawlers/listing-health.ts";
import { PermanentError, LayoutNotRecognisedError } from "../../../shared/errors.ts";
import { BodyTooLargeError, HostUnreachableError } from "../../../shared/net/net-errors.ts";
import { chainOn, portalAnswering } from "./helpers/portal.ts";

const LOGIN = `<table><tr><td><form><input name="user"><input type="password" name="secret"></form></td></tr></table>`;
const listed = (fileName: string) => ({
  fileName,
  url: `http://portal.test/${fileName}`,
  sizeBytes: null,
  listedAt: null,
});

test.each([
  ["two hundred thousand tags", "<b>x</b>".repeat(100_000), /more than 120000 tags/],
  ["tags nested a hundred thousand deep", "<div>".repeat(100_000), /nested more than 500 deep/],
])("a page of %s is refused before it costs anything", (_what, html, says) => {
  expect(() => parseHtml(html)).toThrow(says);
  expect(() => parseHtml(html)).toThrow(LayoutNotRecognisedError);
});

test("a page of three thousand rows whose cells are never closed is read", () => {
  const rows = `<tr><td>1<td><a href="/f">PriceFull7290000000001-001-202601130300.gz</a>`.repeat(3_000);
  const options = { portal: "x", rows: "table > tbody > tr" };
  expect(readFileTable(`<table>${rows}</table>`, "http://portal.test/", options).files).toHaveLength(3_000);
});

test("a login form in a table is no empty listing", () => {
  const read = () => readFileTable(LOGIN, "http://portal.test/", { portal: "x", rows: "table > tbody > tr" });
  expect(read).toThrow(/it asks for a login/);
});

test("a pager whose page number is not heeded is no whole listing, and is not followed to its end", async () => {
  let asked = 0;
  const listing = {
    pageSize: 2,
    concurrency: 3,
    signal: new AbortController().signal,
    async fetchPage(): Promise<ListingPage> {
      asked++;
      return { files: [listed("a"), listed("b")], rowCount: 2, lastPage: 4000 };
    },
  };
  const names: string[] = [];
  const reading = async () => {
    for await (const page of readPages(listing)) names.push(...page.map(({ fileName }) => fileName));
  };
  await expect(reading()).rejects.toThrow(/names 4000 pages.*page number is not heeded/);
  expect(names).toEqual(["a", "b"]);
  expect(asked).toBeLessThan(60);
});

test("a listing that never ends is given up, with its reason", { timeout: 60_000 }, async () => {
  const family = {
    async *list() {
      for (let page = 0; ; page++) {
        yield Array.from({ length: 5_000 }, (_, row) => listed(`Price7290000000001-${page}${row}-202601130300.gz`));
      }
    },
  };
  const counts = noCounts();
  let files = 0;
  const chain = chainOn("written");
  for await (const page of readListing(family, portalAnswering(chain, {}), {}, counts)) files += page.length;
  expect(files).toBeLessThan(60_000);
  expect(judgeListing(chain, {}, counts, new Date())).toMatchObject({
    state: "layout-not-recognised",
    detail: expect.stringMatching(/more than 50000 files/),
  });
});

test.each([
  [new HostUnreachableError("h", "the connection was refused"), "unreachable"],
  [new PermanentError("no"), "unreachable"],
  [new BodyTooLargeError("a listing is larger than 8 bytes"), "layout-not-recognised"],
  [new TypeError("Cannot read properties of undefined"), "layout-not-recognised"],
])("an error that ends a listing (%s) makes it %s, never empty", (error, state) => {
  const health = judgeListing(chainOn("written"), {}, { ...noCounts(), error }, new Date());
  expect(health).toEqual({ state, detail: expect.stringContaining(error.message) });
});
