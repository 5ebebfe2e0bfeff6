import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { htmlPage, truncatedGzip } from "../fixtures/broken.ts";
import { createCatalogue } from "../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../fixtures/chains.ts";
import { renderPriceFile } from "../fixtures/render/price.ts";
import { createStoreDay } from "../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../fixtures/stores-list.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/gogobe.js");
const chain = FIXTURE_CHAINS.alon;
const store = fixtureStore(createStoresList(chain, "2026-01-02", "inspect", 2), 0);
const day = createStoreDay(createCatalogue("inspect", 60), { chain, store, day: "2026-01-02" });

describe("a file with a renamed field", () => {
  let pipeline: Pipeline;
  let work: string;
  let path: string;
  const { xml, fileName } = renderPriceFile(day, { dialect: "std-root" });
  const write = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(work, name), bytes);
    return join(work, name);
  };

  beforeAll(async () => {
    pipeline = await createPipeline();
    work = await mkdtemp(join(tmpdir(), "gogobe-inspect-"));
    const [first = ""] = /<Item>.*?<\/Item>/s.exec(xml) ?? [];
    // A field has another name, the first row has no price, and the second item comes once more.
    const second = xml.slice(
      xml.indexOf("<Item>", xml.indexOf("</Item>")),
      xml.indexOf("</Item>", xml.indexOf("</Item>") + 1) + 7,
    );
    const changed = xml
      .replace(first, first.replace(/<ItemPrice>.*?</, "<ItemPrice>free<"))
      .replace("</Items>", `${second}</Items>`)
      .replace(`Count="${day.items.length}"`, `Count="${day.items.length + 1}"`)
      .replaceAll("AllowDiscount>", "DiscountAllowed>");
    path = await write(fileName, gzipSync(changed));
    await pipeline.must(["ingest", path]);
  });
  afterAll(async () => {
    await pipeline.close();
    await rm(work, { recursive: true, force: true });
  });

  test("is shown by inspect: dialect, encoding, header, counts, unknown tags, rows, problems", async () => {
    const shown = await pipeline.must(["inspect", path, "--samples", "2"]);
    expect(shown).toMatch(/^dialect +std-root$/m);
    expect(shown).toMatch(/^encoding +utf-8$/m);
    expect(shown).toMatch(/^container +gzip$/m);
    expect(shown).toMatch(new RegExp(`^header .*chainId ${chain.chainId}`, "m"));
    expect(shown).toMatch(/^rows +61 read, 1 rejected, 1 repeat a code, 61 claimed by the file$/m);
    expect(shown).toMatch(/^complete +yes$/m);
    expect(shown).toMatch(/^unknown tags +DiscountAllowed \(61\)$/m);
    expect(shown).toMatch(/^problem +1 rows repeat a code of the same file/m);
    expect(shown.match(/^row /gm)).toHaveLength(2);
    expect(shown).toMatch(/^rejected +line 1: price is not a number/m);
  });

  test("is shown by files show the same way, for people and for programs", async () => {
    const shown = await pipeline.must(["files", "show", fileName]);
    expect(shown).toMatch(/^unknown_tags +DiscountAllowed \(61\)$/m);
    expect(shown).toMatch(/^problem +1 rows repeat a code of the same file/m);
    expect(shown).toMatch(/^rows_repeated +1$/m);
    expect(shown).toMatch(/price is not a number/);
    expect(JSON.parse(await pipeline.must(["files", "show", fileName, "--json"]))).toMatchObject({
      unknown_tags: { DiscountAllowed: 61 },
      rows_repeated: 1,
      problems: [expect.stringContaining("repeat a code")],
      rejected: [{ line: 1, reason: "price is not a number" }],
    });
  });

  test("is the same when it is read from the store", async () => {
    const [{ object_uri: uri } = { object_uri: "" }] = await pipeline.query<{ object_uri: string }>(
      "SELECT object_uri FROM files",
    );
    expect(uri).toMatch(/^s3:\/\//);
    expect(await pipeline.must(["inspect", uri])).toBe(await pipeline.must(["inspect", path]));
    expect(await pipeline.must(["inspect", uri, "--rows"])).toBe(await pipeline.must(["inspect", path, "--rows"]));
  });

  test("gives every row as a JSON line, rejected ones with their reason", async () => {
    const lines = (await pipeline.must(["inspect", path, "--rows"])).trimEnd().split("\n");
    const rows = lines.map(
      (line) => JSON.parse(line) as { line?: number; ean?: string; rejected?: { reason: string } },
    );
    expect(rows).toHaveLength(61);
    expect(rows[0]).toMatchObject({ rejected: { line: 1, reason: "price is not a number" } });
    expect(rows.slice(1, 60).map((row) => row.ean)).toEqual(day.items.slice(1).map((item) => item.code));
  });

  test("loads nothing when it is inspected", async () => {
    const before = await pipeline.exportTables();
    const other = await write(`X${fileName}`, gzipSync(xml));
    await pipeline.must(["inspect", other]);
    expect(await pipeline.exportTables()).toEqual(before);
  });

  test("a reader that leaves after two rows ends the command, without a complaint", async () => {
    const items = Array.from({ length: 300 }, () => day.items).flat();
    // Read to its end, it would tell of codes that repeat.
    const big = await write("big.gz", renderPriceFile({ ...day, items }, { dialect: "std-root" }).bytes);
    const script = `set -o pipefail; "$0" "$1" inspect "$2" --rows | head -n 2`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, PROGRAM, big], {
      env: { ...process.env, ...pipeline.env },
      encoding: "utf8",
    });
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("one that was cut short is told, with its rows on standard output and the damage beside them", async () => {
    const cut = truncatedGzip(day);
    const file = await write(cut.fileName, cut.bytes);
    expect(await pipeline.must(["inspect", file])).toMatch(/^complete +no/m);
    const { code, stdout, stderr } = await pipeline.gogobe(["inspect", file, "--rows"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(30);
    expect(stderr).toMatch(/problem: gzip: unexpected end of file/);
    expect(code).toBe(0);
  });

  test.each(["", "--rows", "--json"])("a page instead of a file is a failure with its reason %s", async (flag) => {
    const page = htmlPage(day);
    const file = await write(page.fileName, page.bytes);
    const { code, stdout, stderr } = await pipeline.gogobe(["inspect", file, ...(flag === "" ? [] : [flag])]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/an HTML page instead of a file: "Service Unavailable"/);
    expect(stderr).toMatch(/what to do: .*download the file again/);
  });

  test("an object that is not there, and one of another bucket, are told by name", async () => {
    const missing = await pipeline.gogobe(["inspect", `s3://gogobe-raw/nobody/2026-01-02/${fileName}`]);
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain(`nobody/2026-01-02/${fileName}`);
    const elsewhere = await pipeline.gogobe(["inspect", `s3://elsewhere/a/${fileName}`]);
    expect(elsewhere.stderr).toMatch(/another bucket.*\n.*S3_BUCKET/s);
    expect(elsewhere.code).toBe(2);
  });
});
