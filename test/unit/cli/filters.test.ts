import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../cli/main.ts";
import { storedFiles, type StoredSelection } from "../../../cli/stored-files.ts";
import { identityOf, readListed } from "../../../crawlers/listed-file.ts";
import { objectKeyOf } from "../../../shared/contracts/file-identity.ts";
import { objectMetadataOf } from "../../../shared/contracts/object-metadata.ts";
import type { ObjectStore, StoredObject } from "../../../shared/object-store/object-store.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { chainOn } from "../crawlers/helpers/portal.ts";

const WHICH = ["--chains", "--types", "--stores", "--since", "--until", "--latest"];

async function optionsOf(line: string): Promise<string[]> {
  const words = line.split(" ");
  let command: Command = await createProgram(words);
  for (const word of words) command = command.commands.find((child) => child.name() === word) ?? command;
  return command.options.flatMap(({ long, short }) => [long, short]).filter((name) => typeof name === "string");
}

test.each([
  ["crawl", WHICH],
  ["run", WHICH],
  ["files list", WHICH],
  ["files retry", WHICH],
  ["replay", [...WHICH, "--chain", "--type"]],
  ["backfill", [...WHICH, "--chain", "--type"]],
  // Its chains are its arguments, and it always takes the newest file of a type.
  ["chains check", ["--types", "--stores", "--since", "--until"]],
])("gogobe %s says which files with %o", async (line, expected) => {
  expect(await optionsOf(line)).toEqual(expect.arrayContaining(expected));
});

test("one spelling or the other, an option of replay is the same", async () => {
  for (const words of [
    ["--chain", "a,b"],
    ["--chains", "a,b"],
  ]) {
    const program = await createProgram(["replay"]);
    const replay = program.commands.find((command) => command.name() === "replay");
    replay?.action(() => undefined);
    await program.parseAsync(["replay", ...words], { from: "user" });
    expect(replay?.opts()).toEqual({ chains: ["a", "b"] });
  }
});

describe("stored files", () => {
  const names = [
    "PriceFull7290000000001-001-202601010300.gz",
    "PriceFull7290000000001-001-202601020300.gz",
    "PriceFull7290000000001-002-202601020300.gz",
    "Price7290000000001-001-202601020900.gz",
    "Stores7290000000001-000-202601010100.xml",
  ];
  const objects = names.map((fileName): StoredObject => {
    const candidate = readListed({ fileName, url: "http://portal.test/x", sizeBytes: null, listedAt: null });
    if (candidate === null) throw new Error(`not understood: ${fileName}`);
    const identity = identityOf(chainOn("wolt", { key: "mine" }), candidate, 0);
    const facts = { sha256: "0".repeat(64), sizeBytes: 1, downloadedAt: identity.publishedAt, sourceUrl: "" };
    const key = objectKeyOf(identity);
    const metadata = objectMetadataOf(identity, facts);
    return { key, uri: `s3://bucket/${key}`, sizeBytes: 1, etag: "", contentType: "application/gzip", metadata };
  });
  const store = {
    bucket: "bucket",
    async *list(prefix: string) {
      yield* objects.filter(({ key }) => key.startsWith(prefix));
    },
    head: async (key: string) => objects.find((object) => object.key === key) ?? null,
  } as unknown as ObjectStore;

  test.each<[StoredSelection, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ chains: ["mine"], types: ["price-full"] }, [0, 1, 2]],
    [{ chains: ["other"] }, []],
    [{ stores: ["2"] }, [2, 4]],
    [{ stores: ["1"], since: "2026-01-02" }, [1, 3]],
    [{ until: "2026-01-01" }, [0, 4]],
    [{ latest: true }, [1, 2, 3, 4]],
    [{ latest: true, until: "2026-01-01", types: ["price-full"] }, [0]],
  ])("of %o are the ones that are meant", async (selection, expected) => {
    const found: string[] = [];
    for await (const file of storedFiles(store, selection, createLog({ level: "silent" }))) found.push(file.fileName);
    expect(found.toSorted()).toEqual(expected.map((index) => names[index]).toSorted());
  });
});
