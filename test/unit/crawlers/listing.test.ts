import { describe, expect, test } from "vitest";
import { type ListingPage, readPages } from "../../../crawlers/listing/pages.ts";
import { kilobytesText, sizeText } from "../../../crawlers/listing/sizes.ts";

const fileOf = (fileName: string) => ({
  fileName,
  url: `http://portal.test/${fileName}`,
  sizeBytes: null,
  listedAt: null,
});

/** Pages as lists of names; `pager` is what each page says is the last one. */
async function read(pages: string[][], options: { pager: (page: number) => number | null; concurrency?: number }) {
  const asked: number[] = [];
  let atOnce = 0;
  let most = 0;
  const names: string[] = [];
  const listing = {
    pageSize: 2,
    concurrency: options.concurrency ?? 3,
    signal: new AbortController().signal,
    async fetchPage(number: number): Promise<ListingPage> {
      asked.push(number);
      most = Math.max(most, ++atOnce);
      await new Promise(setImmediate);
      atOnce--;
      const files = (pages[number - 1] ?? []).map(fileOf);
      return { files, rowCount: files.length, lastPage: options.pager(number) };
    },
  };
  for await (const page of readPages(listing)) names.push(...page.map((file) => file.fileName));
  return { asked, most, names };
}

describe("a paged listing", () => {
  test("is read to the last page that the pager names, a few pages at once, in order", async () => {
    const pages = Array.from({ length: 150 }, (_, index) => [`${index}-a`, `${index}-b`]);
    const { asked, most, names } = await read(pages, { pager: () => 150 });
    expect(asked).toHaveLength(151);
    expect(names).toEqual(pages.flat());
    expect(most).toBe(3);
  });

  test("goes on when the last page moved while it was read", async () => {
    const { names } = await read([["a", "b"], ["c", "d"], ["e"]], { pager: (page) => (page === 1 ? 2 : 3) });
    expect(names).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("survives pages that vanish while it is read", async () => {
    const { names } = await read([["a", "b"], ["c"]], { pager: () => 4 });
    expect(names).toEqual(["a", "b", "c"]);
  });

  test("loses no file that moved up to a page read before, when others vanished", async () => {
    const all = ["a", "b", "c", "d", "e", "f", "g"];
    let gone = 0;
    const files = (number: number) => all.slice(gone + (number - 1) * 2, gone + number * 2).map(fileOf);
    const names: string[] = [];
    const listing = {
      pageSize: 2,
      concurrency: 2,
      signal: new AbortController().signal,
      async fetchPage(number: number): Promise<ListingPage> {
        const page = files(number);
        if (number === 1) gone = 1;
        return { files: page, rowCount: page.length, lastPage: 4 };
      },
    };
    for await (const page of readPages(listing)) names.push(...page.map((file) => file.fileName));
    expect(names.toSorted()).toEqual(all);
  });

  test("gives up a pager that leads through empty pages for ever", async () => {
    const { asked } = await read([["a", "b"]], { pager: () => 99_999 });
    expect(asked.length).toBeLessThan(10);
  });

  test("without a pager is probed when the first page is full, and taken as whole when it is not", async () => {
    const lost = await read([["a", "b"], ["c", "d"], ["d"]], { pager: () => null });
    expect(lost.names).toEqual(["a", "b", "c", "d"]);
    expect(lost.asked).toEqual([1, 2, 3]);
    expect((await read([["a"]], { pager: () => null })).asked).toEqual([1]);
  });
});

describe("printed sizes", () => {
  test.each([
    ["1.43 MB", "1.43 MB"],
    ["812.5KB", "812.5 KB"],
    [" 1,204.50 kb ", "1204.50 KB"],
    ["187 bytes", "187 B"],
    ["GZ", null],
    ["12 BRANCH", null],
    ["", null],
  ])("%j is %j", (text, expected) => {
    expect(sizeText(text)).toBe(expected);
  });

  test("a column of kilobytes may have no unit", () => {
    expect(kilobytesText("1,204.5")).toBe("1204.5 KB");
    expect(kilobytesText("x")).toBeNull();
  });
});
