import { expect, test } from "vitest";
import { cerberus } from "../../../../crawlers/portals/cerberus.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const account = { username: "someone", password: "pass word", path: "/Yuda", rejectUnauthorized: false };
const chain = chainOn("cerberus", { baseUrl: "ftp://ftp.test:2121/", ftp: account });

test("one directory listing gives every .gz and .xml with size, time and address", async () => {
  const portal = portalAnswering(
    chain,
    {},
    {
      files: [
        { name: "Promo7290000000015-001-202601020800.gz", size: 187, modifiedAt: "20260102080001" },
        { name: "NULLPromo7290000000015-002-202601020800.XML", size: null, modifiedAt: null },
        { name: "readme.txt", size: 3, modifiedAt: null },
      ],
    },
  );
  expect(await listAll(cerberus, portal)).toEqual([
    {
      fileName: "Promo7290000000015-001-202601020800.gz",
      url: "ftp://ftp.test:2121/Yuda/Promo7290000000015-001-202601020800.gz",
      sizeBytes: 187,
      listedAt: "20260102080001",
    },
    {
      fileName: "NULLPromo7290000000015-002-202601020800.XML",
      url: "ftp://ftp.test:2121/Yuda/NULLPromo7290000000015-002-202601020800.XML",
      sizeBytes: null,
      listedAt: null,
    },
  ]);
  expect(portal.requests).toEqual(["/Yuda"]);
});

test("thousands of files come in pages and cost one listing", async () => {
  const files = Array.from({ length: 5359 }, (_, index) => ({
    name: `Price1-${index}-20260102.gz`,
    size: 1,
    modifiedAt: null,
  }));
  const portal = portalAnswering(chain, {}, { files });
  const sizes: number[] = [];
  for await (const page of cerberus.list(portal, {})) sizes.push(page.length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5359);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
  expect(portal.requests).toHaveLength(1);
});

test("a file is resolved from its name and the account of the chain, whatever the ledger kept of its address", async () => {
  const file = {
    fileName: "Promo7290000000015-001-202601020800.gz",
    fileType: "promo" as const,
    url: "gone",
    fresh: true,
  };
  expect(await cerberus.resolve(portalAnswering(chain, {}), file)).toEqual({
    url: "ftp://ftp.test:2121/Yuda/Promo7290000000015-001-202601020800.gz",
    ftp: { username: "someone", password: "pass word", rejectUnauthorized: false },
  });
});

test("a chain without an account is a clear error that shows no password", async () => {
  const bare = portalAnswering(chainOn("cerberus"), {});
  await expect(listAll(cerberus, bare)).rejects.toThrow(/"invented".*no account/);
});
