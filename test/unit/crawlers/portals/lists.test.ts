import { describe, expect, test } from "vitest";
import { laibcatalog } from "../../../../crawlers/portals/laibcatalog.ts";
import { meshnatYosefWorker } from "../../../../crawlers/portals/meshnat-yosef-worker.ts";
import { publishprice } from "../../../../crawlers/portals/publishprice.ts";
import { wolt } from "../../../../crawlers/portals/wolt.ts";
import { LayoutNotRecognisedError } from "../../../../shared/errors.ts";
import { PortalStatusError } from "../../../../shared/net/net-errors.ts";
import { chainOn, listAll, portalAnswering } from "../helpers/portal.ts";

const day = { since: "2026-01-02", until: "2026-01-02" };

describe("laibcatalog", () => {
  const chain = chainOn("laibcatalog", { baseUrl: "https://laib.test/", chainIds: ["7290000000039", "7290000000040"] });
  const PROMO = {
    fileName: "PromoFull7290000000040-001-202601020512.gz",
    fileType: "PromoFull",
    fileSize: "562.84 KB",
  };
  const STORES = { fileName: "Stores7290000000039-000-202601020500.xml.gz", fileType: "Stores", fileSize: "3.1 KB" };

  test("asks every branch of every id, keeps each file once and downloads under the first id", async () => {
    const portal = portalAnswering(chain, (address) => {
      if (address.includes("getbranches")) return address.endsWith("39") ? '[{"number":1},{"number":97}]' : "[]";
      return JSON.stringify(address.endsWith("branchNumber=97") ? [STORES] : [PROMO, STORES]);
    });
    expect(await listAll(laibcatalog, portal)).toEqual([
      {
        fileName: PROMO.fileName,
        url: `https://laib.test/webapi/7290000000039/${PROMO.fileName}`,
        sizeBytes: null,
        listedAt: "562.84 KB",
      },
      expect.objectContaining({ fileName: STORES.fileName, listedAt: "3.1 KB" }),
    ]);
    expect(portal.requests.filter((url) => url.includes("getfiles"))).toEqual([
      "https://laib.test/webapi/api/getfiles?edi=7290000000039&branchNumber=1",
      "https://laib.test/webapi/api/getfiles?edi=7290000000039&branchNumber=97",
      "https://laib.test/webapi/api/getfiles?edi=7290000000040",
    ]);
  });

  test("asks only the branches of the wanted stores", async () => {
    const portal = portalAnswering(chain, (address) =>
      address.includes("getbranches") ? '[{"number":1},{"number":97}]' : "[]",
    );
    await listAll(laibcatalog, portal, { stores: ["097"] });
    expect(portal.requests.filter((url) => url.includes("branchNumber=1"))).toEqual([]);
    expect(portal.requests.filter((url) => url.includes("branchNumber=97"))).toHaveLength(2);
  });

  test("an outage is an error, never an empty list", async () => {
    const down = portalAnswering(chain, () => {
      throw new PortalStatusError("laib.test", 503, "unavailable", { hostFailure: true });
    });
    await expect(listAll(laibcatalog, down)).rejects.toThrow("unavailable");
    const renamed = portalAnswering(chain, () => '[{"id":1}]');
    await expect(listAll(laibcatalog, renamed)).rejects.toThrow(/the key "number"/);
  });
});

describe("publishprice", () => {
  const chain = chainOn("publishprice", { baseUrl: "https://prices.test/" });
  const pageOf = (path: string, files: string) => `<script src="/app.js"></script>
<script>
const path = '${path}';
const files = ${files};
const chains = [];
</script>
<script>render(files)</script>`;
  const FILES = `[{"name":"Price7290000000053-9032-202601021500.gz","size":2210},{"name":"Stores7290000000053-202601020001.xml","size":40960}]`;

  test("reads the array of each day and builds links from the folder of the page", async () => {
    const portal = portalAnswering(chain, { "https://prices.test/?p=./20260102": pageOf("20260102", FILES) });
    expect(await listAll(publishprice, portal, day)).toEqual([
      {
        fileName: "Price7290000000053-9032-202601021500.gz",
        url: "https://prices.test/20260102/Price7290000000053-9032-202601021500.gz",
        sizeBytes: null,
        listedAt: "size 2210",
      },
      expect.objectContaining({ url: "https://prices.test/20260102/Stores7290000000053-202601020001.xml" }),
    ]);
  });

  test("an empty path puts the files beside the page", async () => {
    const portal = portalAnswering(chain, () => pageOf("", FILES));
    const [file] = await listAll(publishprice, portal, day);
    expect(file?.url).toBe("https://prices.test/Price7290000000053-9032-202601021500.gz");
  });

  test("a day without the script is an empty day only when the newest page still has it", async () => {
    const empty = portalAnswering(chain, (url) => (url.includes("?p=") ? "<p>none</p>" : pageOf("20251230", "[]")));
    expect(await listAll(publishprice, empty, day)).toEqual([]);
    const changed = portalAnswering(chain, () => "<p>new design</p>");
    await expect(listAll(publishprice, changed, day)).rejects.toThrow(/const files.*new design/);
  });
});

describe("wolt", () => {
  const chain = chainOn("wolt", { baseUrl: "https://wolt.test/public/v1/", settings: { historyDays: 10 } });
  const NAME = "PromoFull7290000000091-000-038-20260102-000027.gz";
  const page = `<ul><li><a href="2026-01-02/${NAME}">${NAME}</a></li></ul>`;
  const missing = () => {
    throw new PortalStatusError("wolt.test", 404, "no such page", { hostFailure: false });
  };

  test("reads the page of each day; a day without a page is an empty day", async () => {
    const portal = portalAnswering(chain, (url) => (url.endsWith("2026-01-02.html") ? page : missing()));
    expect(await listAll(wolt, portal)).toEqual([
      { fileName: NAME, url: `https://wolt.test/public/v1/2026-01-02/${NAME}`, sizeBytes: null, listedAt: null },
    ]);
    expect(portal.requests).toHaveLength(2);
  });

  test("asks for no more days than the portal keeps", async () => {
    const portal = portalAnswering(chain, () => page);
    await listAll(wolt, portal, { since: "2025-06-01" });
    expect(portal.requests).toHaveLength(10);
    expect(portal.requests.at(-1)).toContain("2025-12-24.html");
  });

  test("no page at all is an outage, and a page without a list a changed layout", async () => {
    await expect(listAll(wolt, portalAnswering(chain, missing))).rejects.toThrow("no such page");
    await expect(
      listAll(
        wolt,
        portalAnswering(chain, () => "<p>hi</p>"),
      ),
    ).rejects.toThrow(LayoutNotRecognisedError);
  });
});

describe("meshnat-yosef-worker", () => {
  const chain = chainOn("meshnat-yosef-worker", { baseUrl: "https://files.worker.test/" });
  const NAME = "PriceFull5144744100002-001-202601020300.gz";

  test("reads names and absolute links", async () => {
    const portal = portalAnswering(chain, () =>
      JSON.stringify([{ name: NAME, url: `https://cdn.test/${NAME}` }, { other: 1 }]),
    );
    expect(await listAll(meshnatYosefWorker, portal)).toEqual([
      { fileName: NAME, url: `https://cdn.test/${NAME}`, sizeBytes: null, listedAt: null },
    ]);
  });

  test.each(["{}", "not json", '[{"Name":"x"}]', `[{"name":"${NAME}"}]`])("%s is a changed layout", async (body) => {
    await expect(
      listAll(
        meshnatYosefWorker,
        portalAnswering(chain, () => body),
      ),
    ).rejects.toThrow(LayoutNotRecognisedError);
  });
});
