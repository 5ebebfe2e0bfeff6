import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { newPortal } from "../../../cli/scaffold/new-portal.ts";
import { withFake, withPlugin } from "../../../cli/scaffold/register-portal.ts";
import { portalNames } from "../../../cli/scaffold/portal-names.ts";
import { loadChains } from "../../../crawlers/chains.ts";
import { GogobeError, UsageError } from "../../../shared/errors.ts";

const ROOT = join(import.meta.dirname, "../../..");
const INDEXES = ["crawlers/portals/index.ts", "test/fake-portals/index.ts"];

/** A root with nothing but the two files that name every family. */
function bareCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), "gogobe-checkout-"));
  for (const path of INDEXES) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(join(ROOT, path), join(root, path));
  }
  return root;
}

const filesOf = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();

describe("gogobe chains new-portal in a checkout", () => {
  test("writes plugin, fake portal and test, and names the family in both indexes, in their order", () => {
    const root = bareCheckout();
    newPortal({ chainsFile: null }, "civic-site", {}, root);
    expect(filesOf(root)).toEqual(
      [
        ...INDEXES,
        "crawlers/portals/civic-site.ts",
        "test/contract/portal-civic-site.test.ts",
        "test/fake-portals/civic-site.ts",
      ].toSorted(),
    );
    const added = (path: string) => {
      const before = new Set(readFileSync(join(ROOT, path), "utf8").split("\n"));
      const lines = readFileSync(join(root, path), "utf8").split("\n");
      return lines.flatMap((line, index) => (before.has(line) ? [] : [[lines[index - 1], line]]));
    };
    expect(added("crawlers/portals/index.ts")).toEqual([
      ['import { cityMarketShops } from "./city-market-shops.ts";', 'import { civicSite } from "./civic-site.ts";'],
      ["  cityMarketShops,", "  civicSite,"],
    ]);
    expect(added("test/fake-portals/index.ts")).toEqual([
      [expect.stringContaining("./city-market-shops.ts"), 'import { startCivicSite } from "./civic-site.ts";'],
      [expect.stringContaining('"city-market-shops":'), expect.stringContaining("startCivicSite(files, options)")],
    ]);
  });

  test.each(["aardvark", "zebra-site"])("finds the place of %s at either end", (name) => {
    const names = portalNames(name);
    for (const [path, change] of [
      [INDEXES[0] ?? "", withPlugin],
      [INDEXES[1] ?? "", withFake],
    ] as const) {
      const text = change(readFileSync(join(ROOT, path), "utf8"), names);
      expect(text.match(new RegExp(`"./${name}.ts"`, "g"))).toHaveLength(1);
      expect(
        text.split("\n").filter((line) => line.startsWith("import ") === false && line.includes(names.plugin.slice(1))),
      ).toHaveLength(1);
    }
  });

  test("writes nothing when an index no longer looks as it did, and says which line to add by hand", () => {
    const root = bareCheckout();
    writeFileSync(join(root, INDEXES[1] ?? ""), "export {};\n");
    const attempt = () => newPortal({ chainsFile: null }, "civic-site", {}, root);
    expect(attempt).toThrow(GogobeError);
    expect(attempt).toThrow(expect.objectContaining({ hint: expect.stringContaining("startCivicSite(files") }));
    expect(filesOf(root)).toEqual(INDEXES.toSorted());
  });

  test("writes over nothing", () => {
    const root = bareCheckout();
    writeFileSync(join(root, "crawlers/portals/civic-site.ts"), "mine");
    expect(() => newPortal({ chainsFile: null }, "civic-site", {}, root)).toThrow(/civic-site\.ts already/);
    expect(readFileSync(join(root, "crawlers/portals/civic-site.ts"), "utf8")).toBe("mine");
    expect(existsSync(join(root, "test/fake-portals/civic-site.ts"))).toBe(false);
  });

  test.each([
    ["shufersal", /"shufersal" already/],
    ["class", /cannot be the name/],
    ["Corner", /cannot be the name/],
    ["../corner", /cannot be the name/],
    ["corner--site", /cannot be the name/],
    ["1st", /cannot be the name/],
  ])("refuses the name %s", (name, complaint) => {
    const root = bareCheckout();
    const attempt = () => newPortal({ chainsFile: null }, name, {}, root);
    expect(attempt).toThrow(complaint);
    expect(attempt).toThrow(UsageError);
    expect(filesOf(root)).toEqual(INDEXES.toSorted());
  });
});

describe("gogobe chains new-portal --dir", () => {
  const folder = () => mkdtempSync(join(tmpdir(), "gogobe-plugin-"));

  test("writes a plugin outside the package and names it in the chains file, by a path from there", () => {
    const home = folder();
    const chainsFile = join(home, "config/chains.json");
    const dir = join(home, "plugins");
    for (const name of ["civic-site", "other-site"]) newPortal({ chainsFile }, name, { dir }, null);
    expect(JSON.parse(readFileSync(chainsFile, "utf8"))).toEqual({
      $portals: { "civic-site": "../plugins/civic-site.mjs", "other-site": "../plugins/other-site.mjs" },
    });
    expect(loadChains({ chainsFile }).outsidePortals.get("civic-site")).toBe(join(dir, "civic-site.mjs"));
    expect(filesOf(dir).slice(0, 3)).toEqual(["civic-site.fake.mjs", "civic-site.mjs", "civic-site.test.mjs"]);
  });

  test("tells what to write into a chains file when none is named", () => {
    const dir = folder();
    const { snippet, chainsFile } = newPortal({ chainsFile: null }, "civic-site", { dir }, null);
    expect(chainsFile).toBeNull();
    expect(JSON.parse(snippet ?? "")).toEqual({ $portals: { "civic-site": join(dir, "civic-site.mjs") } });
  });

  test("refuses a family that the chains file names already, and an installed package without a folder", () => {
    const dir = folder();
    const chainsFile = join(dir, "chains.json");
    writeFileSync(chainsFile, '{ "$portals": { "civic-site": "elsewhere" } }');
    expect(() => newPortal({ chainsFile }, "civic-site", { dir }, null)).toThrow(
      /names a portal family "civic-site" already/,
    );
    expect(filesOf(dir)).toEqual(["chains.json"]);
    expect(() => newPortal({ chainsFile: null }, "civic-site", {}, null)).toThrow(/--dir/);
  });
});
