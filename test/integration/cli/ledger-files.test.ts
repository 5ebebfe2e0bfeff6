import { afterAll, beforeAll, expect, test } from "vitest";
import { type FileFilter, findFiles } from "../../../cli/ledger-files.ts";
import { identityOf, readListed } from "../../../crawlers/listed-file.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { chainOn } from "../../unit/crawlers/helpers/portal.ts";

const NAMES = [
  "PriceFull7290000000001-001-202601010300.gz",
  "PriceFull7290000000001-001-202601020300.gz",
  "PriceFull7290000000001-002-202601020200.gz",
  "Promo7290000000001-01-202601020100.gz",
  "Stores7290000000001-000-202601010100.xml",
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  for (const [index, fileName] of NAMES.entries()) {
    const candidate = readListed({ fileName, url: "http://portal.test/x", sizeBytes: null, listedAt: null });
    if (candidate === null) throw new Error(`not understood: ${fileName}`);
    const file = identityOf(chainOn("wolt", { key: "mine" }), candidate, 0);
    await database.pool.query(
      `INSERT INTO files (file_id, chain, chain_id, store_code, portal, file_name, file_type, version, status, source_url, published_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10)`,
      [
        file.fileId,
        file.chain,
        file.chainId,
        file.storeId,
        file.portal,
        file.fileName,
        file.fileType,
        file.version,
        index === 1 ? "failed" : "loaded",
        file.publishedAt,
      ],
    );
  }
});
afterAll(() => database.drop());

test.each<[FileFilter, number[]]>([
  [{}, [1, 2, 3, 0, 4]],
  [{ chains: ["mine"], types: ["price-full"] }, [1, 2, 0]],
  [{ chains: ["other"] }, []],
  [{ stores: ["1"] }, [1, 3, 0, 4]],
  [{ stores: ["002"], since: "2026-01-02" }, [2]],
  [{ until: "2026-01-01" }, [0, 4]],
  [{ latest: true }, [1, 2, 3, 4]],
  // The newest of those that pass, not those of the newest that pass.
  [{ latest: true, statuses: ["loaded"] }, [2, 3, 0, 4]],
  [{ latest: true, limit: 2 }, [1, 2]],
])("the ledger narrowed to %o, newest first", async (filter, expected) => {
  const files = await findFiles(database.pool, filter);
  expect(files.map((file) => file.file_name)).toEqual(expected.map((index) => NAMES[index]));
});
