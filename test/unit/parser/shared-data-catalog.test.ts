import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderCatalogDay } from "../../helpers/catalog.ts";
import { whyWithout } from "../../helpers/handed-over.ts";
import { parseBytes, productsOf, sumOf } from "./helpers/parse.ts";

const missing = whyWithout("data/catalog");
const DAYS = ["2026-08-10", "2026-08-13", "2026-08-14", "2026-08-18"];
const ROTATIONS = [0, 1, 2, 3, 4, 5, 6];

describe.skipIf(missing !== null)(`four days of real prices in seven layouts${missing ? ` (${missing})` : ""}`, () => {
  let work: string;
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "gogobe-catalog-"));
  });
  afterAll(() => rm(work, { recursive: true, force: true }));

  test.each(DAYS.flatMap((day) => ROTATIONS.map((rotate) => ({ day, rotate }))))(
    "$day, rotated by $rotate, equals its truth",
    async ({ day, rotate }) => {
      const directory = join(work, `${day}-${rotate}`);
      const truth = await renderCatalogDay(day, directory, ["--rotate", String(rotate)]);
      expect(truth.length).toBeGreaterThan(4);
      for (const { file, items, distinctCodes, sumItemPrice } of truth) {
        const parsed = await parseBytes(await readFile(join(directory, file)), { fileName: file });
        const rows = productsOf(parsed);
        expect(parsed.totals, file).toMatchObject({
          complete: true,
          rowsRead: items,
          rowsRejected: 0,
          unknownTags: {},
        });
        expect(
          {
            items: rows.length,
            distinctCodes: new Set(rows.map((row) => row.ean)).size,
            sumItemPrice: sumOf(rows.map((row) => row.price)),
          },
          file,
        ).toEqual({ items, distinctCodes, sumItemPrice });
      }
      await rm(directory, { recursive: true });
    },
    60_000,
  );
});
