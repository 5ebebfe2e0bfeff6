import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../cli/main.ts";
import { addMember } from "../../../cli/scaffold/json-text.ts";
import { newChain, type NewChainFlags } from "../../../cli/scaffold/new-chain.ts";
import { loadChains } from "../../../crawlers/chains.ts";
import { UsageError } from "../../../shared/errors.ts";

const ROOT = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "gogobe-new-chain-"));
let files = 0;
const newPath = () => join(folder, `chains-${files++}.json`);

function add(key: string, flags: Partial<NewChainFlags>, config: { chainsFile?: string; variables?: object } = {}) {
  const { chainsFile = newPath(), variables = {} } = config;
  const given = { portal: "bina", chainIds: ["7290000000001"], status: "active" as const, setting: {}, ...flags };
  return newChain({ chainsFile, chainVariables: { ...variables } }, key, given);
}

describe("gogobe chains new", () => {
  test("makes the chains file and puts an entry into it that loads at once", async () => {
    const { target } = await add("corner-shop", {
      baseUrl: "http://corner.test/",
      nameHe: "מכולת",
      hosts: ["files.corner.test"],
      aliases: ["72900001"],
      maxParallel: 2,
      interval: 600,
      setting: { region: "north" },
      mayBeEmpty: [{ when: "saturday" }],
    });
    expect(target).toMatchObject({ exists: false, inForce: true });
    expect(loadChains({ chainsFile: target.path }).byKey("corner-shop")).toMatchObject({
      nameEn: "Corner Shop",
      nameHe: "מכולת",
      portal: "bina",
      baseUrl: "http://corner.test/",
      hosts: ["files.corner.test"],
      chainIdAliases: ["72900001"],
      maxParallel: 2,
      intervalSeconds: 600,
      settings: { region: "north" },
      mayBeEmpty: [{ when: "saturday" }],
    });
  });

  test("takes from the other chains of a portal what they all have: its address, its hosts, how its accounts look", async () => {
    const { entry } = await add("corner", { portal: "cerberus", username: "Corner" });
    const sibling = loadChains({ chainsFile: null }).byKey("rami-levy");
    expect(entry).toMatchObject({
      baseUrl: sibling?.baseUrl,
      hosts: sibling?.hosts,
      ftp: { username: "Corner", password: "", path: "/", rejectUnauthorized: false },
    });
    const elsewhere = await add("other", { portal: "cerberus", username: "Corner", baseUrl: "ftp://elsewhere.test/" });
    expect(elsewhere.entry).toMatchObject({ ftp: { rejectUnauthorized: true } });
    expect(elsewhere.entry.hosts).toBeUndefined();
  });

  test("leaves the account out of the file when the environment gives it", async () => {
    const variables = { GOGOBE_CHAIN_CORNER_USERNAME: "me", GOGOBE_CHAIN_CORNER_PASSWORD: "s3cret" };
    const { target } = await add("corner", { portal: "cerberus" }, { variables });
    expect(readFileSync(target.path, "utf8")).not.toMatch(/s3cret|username/);
    const chain = loadChains({ chainsFile: target.path, chainVariables: variables }).byKey("corner");
    expect(chain?.ftp).toMatchObject({ username: "me", password: "s3cret" });
  });

  test.each<[string, Partial<NewChainFlags>, RegExp]>([
    ["shufersal", { baseUrl: "http://a.test/" }, /"shufersal" already/],
    ["Corner", { baseUrl: "http://a.test/" }, /key that is not lower-case/],
    ["corner", { portal: "unheard-of" }, /no portal family "unheard-of"/],
    ["corner", {}, /--base-url/],
    ["corner", { baseUrl: "ftp://a.test/" }, /speaks http or https/],
    ["corner", { portal: "cerberus" }, /"ftp" is missing/],
    ["corner", { baseUrl: "http://a.test/", proxy: "a.test:80" }, /proxy/],
  ])("refuses %s with %o, and writes nothing", async (key, flags, complaint) => {
    const chainsFile = newPath();
    writeFileSync(chainsFile, "{}");
    await expect(add(key, flags, { chainsFile })).rejects.toThrow(complaint);
    await expect(add(key, flags, { chainsFile })).rejects.toBeInstanceOf(UsageError);
    expect(readFileSync(chainsFile, "utf8")).toBe("{}");
  });

  test("refuses a key that the file takes out of the registry: one JSON object cannot have it twice", async () => {
    const chainsFile = newPath();
    writeFileSync(chainsFile, '{ "mega": null }');
    await expect(add("mega", { baseUrl: "http://a.test/" }, { chainsFile })).rejects.toThrow(/"mega" already/);
  });

  test("asks where the entry should go when no file is named, and says when a file is not in force", async () => {
    const config = { chainsFile: null, chainVariables: {} };
    const flags = {
      portal: "bina",
      chainIds: ["1"],
      status: "active" as const,
      setting: {},
      baseUrl: "http://a.test/",
    };
    await expect(newChain(config, "corner", flags)).rejects.toThrow(/GOGOBE_CHAINS_FILE is not set/);
    expect((await newChain(config, "corner", { ...flags, file: newPath() })).target.inForce).toBe(false);
  });

  test("says whose chain ids these are too", async () => {
    const { notes } = await add("again", { baseUrl: "http://a.test/", chainIds: ["7290027600007"] });
    expect(notes).toEqual(["chain id 7290027600007 is also that of shufersal"]);
  });
});

test("its options are read into what an entry holds", async () => {
  const program = await createProgram(["chains"]);
  const command = program.commands
    .find((each) => each.name() === "chains")
    ?.commands.find((each) => each.name() === "new");
  command?.action(() => undefined);
  const line =
    "corner --portal bina --chain-ids 1,2 --setting days=3 --setting region=north --may-be-empty always=2027-01-31";
  await program.parseAsync(["chains", "new", ...line.split(" "), "--may-be-empty", "saturday"], { from: "user" });
  expect(command?.opts()).toEqual({
    portal: "bina",
    chainIds: ["1", "2"],
    status: "active",
    setting: { days: 3, region: "north" },
    mayBeEmpty: [{ when: "always", until: "2027-01-31" }, { when: "saturday" }],
  });
});

describe("a member added to JSON text", () => {
  const key = fc.string().filter((text) => text !== "__proto__");
  const object = fc.dictionary(key, fc.jsonValue());

  test("changes nothing but that, whatever the text holds", () => {
    fc.assert(
      fc.property(object, key, fc.jsonValue(), fc.constantFrom(0, 2, 4, "\t"), (base, name, value, space) => {
        fc.pre(!(name in base));
        const text = `${JSON.stringify(base, null, space)}\n`;
        const added = addMember(text, name, value);
        // JSON knows no -0: what the text says is what counts.
        const before = JSON.parse(text) as Record<string, unknown>;
        expect(JSON.parse(added)).toEqual({ ...before, [name]: JSON.parse(JSON.stringify(value)) as unknown });
        expect(added.startsWith(text.replace(/\s*\}\s*$/, ""))).toBe(true);
      }),
    );
  });

  test("goes into an object of the root when that is asked for, and keeps indentation and line ends", () => {
    const text = '{\r\n\t"a": "b: {",\r\n\t"b": {\r\n\t\t"c": [1]\r\n\t},\r\n\t"d": {}\r\n}\r\n';
    expect(addMember(text, "n", "v", "b")).toBe(text.replace("[1]\r\n", '[1],\r\n\t\t"n": "v"\r\n'));
    expect(addMember(text, "n", [], "d")).toBe(text.replace('"d": {}', '"d": {\r\n\t\t"n": []\r\n\t}'));
    expect(() => addMember(text, "n", 1, "a")).toThrow(RangeError);
  });

  test("leaves the registry of the package as the house's formatter wants it", () => {
    const entry = { nameEn: "X", chainIds: ["1", "2"], ftp: { username: "u", password: "" }, hosts: [] };
    const text = addMember(readFileSync(join(ROOT, "crawlers/chains.json"), "utf8"), "x", entry);
    const biome = join(ROOT, "node_modules/.bin/biome");
    const { stdout } = spawnSync(biome, ["format", "--stdin-file-path=chains.json"], { cwd: ROOT, input: text });
    expect(stdout.toString()).toBe(text);
  });
});
