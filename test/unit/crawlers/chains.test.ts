import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadChains, registryOf } from "../../../crawlers/chains.ts";
import { chooseChains, familyOf } from "../../../crawlers/choose-chains.ts";
import { builtInFamilies, loadFamilies } from "../../../crawlers/portals/index.ts";
import { loadOutside } from "../../../crawlers/portals/outside.ts";
import { loadConfig } from "../../../shared/config.ts";
import { ownChainId } from "../../../shared/contracts/chain.ts";
import type { PortalFamily } from "../../../shared/contracts/portal-family.ts";
import { LayoutNotRecognisedError, UsageError } from "../../../shared/errors.ts";
import { chainOn, listAll, portalAnswering } from "./helpers/portal.ts";

const folder = mkdtempSync(join(tmpdir(), "gogobe-chains-"));
let files = 0;

function chainsFile(content: unknown): { chainsFile: string } {
  const path = join(folder, `chains-${files++}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return { chainsFile: path };
}

describe("the registry of the package", () => {
  const chains = loadChains({ chainsFile: null });

  test("names the 41 chains of the law at least, each with an id, a portal that has a plugin and an address", () => {
    expect(chains.all().length).toBeGreaterThanOrEqual(41);
    const families = builtInFamilies();
    for (const chain of chains.all()) {
      expect(familyOf(chain, families).name).toBe(chain.portal);
      expect(new URL(chain.baseUrl).host).not.toBe("");
    }
  });

  test("gives every FTP chain its public account", () => {
    const withoutAccount = chains.all().filter((chain) => chain.portal === "cerberus" && chain.ftp === null);
    expect(withoutAccount).toEqual([]);
    expect(chains.byKey("super-yuda")?.ftp).toMatchObject({ username: "yuda_ho", path: "/Yuda" });
  });

  test("keeps every account out of the code", () => {
    const root = join(import.meta.dirname, "../../..");
    const code = ["cli", "crawlers", "downloader", "parser", "shared", "writer"]
      .flatMap((stage) => readdirSync(join(root, stage), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
    const accounts = chains.all().flatMap(({ ftp }) => (ftp === null ? [] : [ftp.username, ftp.password]));
    const words = accounts.filter((word) => word !== "");
    expect(words.length).toBeGreaterThan(10);
    expect(words.filter((word) => code.includes(JSON.stringify(word)))).toEqual([]);
  });

  test("finds the living chain of an id that a retired entry shares", () => {
    expect(chains.byChainId("7290055700007")?.key).toBe("carrefour");
    expect(chains.byChainId("7290696200003")?.key).toBe("victory");
    expect(chains.byChainId("7290633800006")?.key).toBe("mahsanei-hashuk");
    expect(chains.byChainId("1")).toBeUndefined();
  });

  test("finds a chain by the short or padded id in its file names, which stands for its own id", () => {
    const stopMarket = chains.byChainId("0000072906390");
    expect(stopMarket?.key).toBe("stop-market");
    expect(stopMarket && ownChainId(stopMarket, "0000072906390")).toBe("7290639000004");
    expect(stopMarket && ownChainId(stopMarket, "7290639000004")).toBe("7290639000004");
    expect(chains.byChainId("2222222")?.key).toBe("meshnat-yosef-2");
  });
});

describe("GOGOBE_CHAINS_FILE", () => {
  test("merges deeply over an entry and keeps the rest of it", () => {
    const chains = loadChains(
      chainsFile({ "rami-levy": { baseUrl: "ftp://127.0.0.1:2121/", ftp: { password: "other" } } }),
    );
    expect(chains.byKey("rami-levy")).toMatchObject({
      baseUrl: "ftp://127.0.0.1:2121/",
      ftp: { username: "RamiLevi", password: "other" },
      nameEn: "Rami Levy",
    });
  });

  test("adds a new chain with defaults and removes one that is null", () => {
    const chains = loadChains(
      chainsFile({
        mega: null,
        corner: {
          nameEn: "Corner",
          chainIds: ["5"],
          portal: "cerberus",
          status: "active",
          baseUrl: "ftp://corner.test/",
        },
      }),
    );
    expect(chains.byKey("mega")).toBeUndefined();
    expect(chains.byKey("corner")).toMatchObject({ nameHe: "Corner", hosts: [], maxParallel: 5, proxy: null });
    expect(chains.all()).toHaveLength(loadChains({ chainsFile: null }).all().length);
  });

  test("is refused with file, chain and key when an entry is wrong", () => {
    const file = chainsFile({ shufersal: { maxParallel: "many" } });
    expect(() => loadChains(file)).toThrow(UsageError);
    expect(() => loadChains(file)).toThrow(new RegExp(`${file.chainsFile}.*shufersal.*maxParallel`));
    expect(() => loadChains(chainsFile({ shufersal: { hots: ["a"] } }))).toThrow(/shufersal.*hots/);
    expect(() => loadChains(chainsFile({ "New Chain": {} }))).toThrow(/"New Chain".*key/);
    expect(() => loadChains(chainsFile("[1]"))).toThrow(/one JSON object/);
    expect(() => loadChains(chainsFile("{"))).toThrow(/cannot be read as JSON/);
  });
});

describe("accounts and proxies of the environment", () => {
  const withVariables = (chainVariables: Record<string, string>, file?: unknown) =>
    loadChains({ ...(file === undefined ? { chainsFile: null } : chainsFile(file)), chainVariables });

  test("are laid over the registry and the chains file, so that no account of one's own stands in a file", () => {
    const chains = withVariables(
      {
        GOGOBE_CHAIN_RAMI_LEVY_PASSWORD: "from-environment",
        GOGOBE_CHAIN_SUPER_YUDA_USERNAME: "someone",
        GOGOBE_CHAIN_VICTORY_PROXY: "http://proxy.test:8080",
      },
      { "rami-levy": { ftp: { password: "from-file" } } },
    );
    expect(chains.byKey("rami-levy")?.ftp).toMatchObject({ username: "RamiLevi", password: "from-environment" });
    expect(chains.byKey("super-yuda")?.ftp).toMatchObject({ username: "someone", path: "/Yuda" });
    expect(chains.byKey("victory")?.proxy).toBe("http://proxy.test:8080");
  });

  test("may give an entry the account that its file leaves out", () => {
    const corner = {
      nameEn: "Corner",
      chainIds: ["5"],
      portal: "cerberus",
      status: "active",
      baseUrl: "ftp://corner.test/",
      ftp: { path: "/", rejectUnauthorized: true },
    };
    expect(() => withVariables({}, { corner })).toThrow(/"corner" is wrong: ftp/);
    const chains = withVariables({ GOGOBE_CHAIN_CORNER_USERNAME: "me", GOGOBE_CHAIN_CORNER_PASSWORD: "p" }, { corner });
    expect(chains.byKey("corner")?.ftp).toMatchObject({ username: "me", password: "p" });
  });

  test("are refused by name, never with their value, when no chain answers to them", () => {
    const wrong: [string, RegExp][] = [
      ["GOGOBE_CHAIN_RAMI_LEVI_PASSWORD", /GOGOBE_CHAIN_RAMI_LEVI_PASSWORD: no chain/],
      ["GOGOBE_CHAIN_SHUFERSAL_PASSWORD", /no account/],
      ["GOGOBE_CHAIN_RAMI_LEVY_SECRET", /is not known/],
      ["GOGOBE_CHAIN_RAMI_LEVY_PROXY", /"rami-levy" is wrong: proxy/],
    ];
    for (const [name, complaint] of wrong) {
      expect(() => withVariables({ [name]: "s3cret" })).toThrow(complaint);
      expect(() => withVariables({ [name]: "s3cret" })).not.toThrow(/s3cret/);
    }
  });

  test("are read from the settings, where an empty one is unset", () => {
    const config = loadConfig({ GOGOBE_CHAIN_YELLOW_PASSWORD: " other ", GOGOBE_CHAIN_YELLOW_USERNAME: "" });
    expect(config.chainVariables).toEqual({ GOGOBE_CHAIN_YELLOW_PASSWORD: "other" });
    expect(loadChains(config).byKey("yellow")?.ftp).toMatchObject({ username: "Paz_bo", password: "other" });
  });
});

describe("an entry that lacks what its portal needs", () => {
  const needy: PortalFamily = {
    name: "needy",
    needs: { schemes: ["ftp"], account: true, settings: { region: "the region of the portal" } },
    list: () => (async function* () {})(),
    resolve: async () => ({ url: "" }),
  };
  const families = new Map([["needy", needy]]);

  test("is refused with everything that is missing, by name", () => {
    const complaint =
      /"invented" on portal "needy".*baseUrl is http.*"ftp" is missing.*settings\.region.*region of the/;
    expect(() => familyOf(chainOn("needy"), families)).toThrow(complaint);
    const ftp = { username: "u", password: "", path: "/", rejectUnauthorized: true };
    const whole = chainOn("needy", { baseUrl: "ftp://p.test/", ftp, settings: { region: "north" } });
    expect(familyOf(whole, families)).toBe(needy);
  });

  test("is refused when it points a page of HTML at FTP", () => {
    expect(() => familyOf(chainOn("wolt", { baseUrl: "ftp://p.test/" }), builtInFamilies())).toThrow(/http or https/);
  });
});

describe("choosing chains to crawl", () => {
  const registry = registryOf([
    chainOn("wolt", { key: "living" }),
    chainOn("wolt", { key: "gone", status: "retired" }),
  ]);

  test("leaves retired chains out unless they are named", () => {
    const keysOf = (keys?: string[]) => chooseChains(registry, builtInFamilies(), keys).map(({ chain }) => chain.key);
    expect(keysOf()).toEqual(["living"]);
    expect(keysOf(["gone", "gone"])).toEqual(["gone"]);
  });

  test("says what was meant when a key is unknown", () => {
    expect(() => chooseChains(registry, builtInFamilies(), ["livin"])).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("living") }),
    );
  });

  test("complains of a portal without a plugin only when its chain is to be crawled", () => {
    const mixed = registryOf([chainOn("wolt", { key: "good" }), chainOn("unheard-of", { key: "odd" })]);
    expect(chooseChains(mixed, builtInFamilies(), ["good"])).toHaveLength(1);
    expect(() => chooseChains(mixed, builtInFamilies(), ["odd"])).toThrow(/"odd".*"unheard-of"/);
  });
});

describe("a portal family outside the package", () => {
  test("is loaded from a path beside the chains file", async () => {
    writeFileSync(
      join(folder, "my-portal.mjs"),
      "export default new (class { async *list() { yield []; } async resolve() { return { url: 'x' }; } })();",
    );
    const families = await loadFamilies(loadChains(chainsFile({ $portals: { mine: "./my-portal.mjs" } })));
    const mine = families.get("mine");
    expect(mine?.name).toBe("mine");
    expect(families.has("shufersal")).toBe(true);
  });

  test("is loaded from a package installed beside the chains file", async () => {
    const home = join(folder, "node_modules/portal-of-ours");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{ "name": "portal-of-ours", "type": "module", "exports": "./own.js" }');
    writeFileSync(
      join(home, "own.js"),
      "export const family = { async *list() { yield []; }, async resolve() { return { url: 'x' }; } };",
    );
    const families = await loadFamilies(loadChains(chainsFile({ $portals: { ours: "portal-of-ours" } })));
    expect(families.get("ours")?.name).toBe("ours");
  });

  test("needs nothing of the package to say that a layout is not recognised", async () => {
    const module = `class LayoutNotRecognisedError extends Error { name = "LayoutNotRecognisedError"; }
      export const family = { name: "x", async *list() { throw new LayoutNotRecognisedError("mine: no table"); },
        async resolve() { throw new TypeError("plain"); } };`;
    writeFileSync(join(folder, "drifted.mjs"), module);
    const { family, startFake } = await loadOutside("mine", join(folder, "drifted.mjs"));
    const context = portalAnswering(chainOn("mine"), {});
    await expect(listAll(family, context)).rejects.toBeInstanceOf(LayoutNotRecognisedError);
    await expect(listAll(family, context)).rejects.toThrow("mine: no table");
    const file = { fileName: "a", fileType: "price", url: "", fresh: false } as const;
    await expect(family.resolve(context, file)).rejects.toBeInstanceOf(TypeError);
    expect(startFake).toBeNull();
  });

  test("is refused by name when the module is missing or exports no family", async () => {
    writeFileSync(join(folder, "empty.mjs"), "export default 1;");
    await expect(loadFamilies({ outsidePortals: new Map([["mine", join(folder, "none.mjs")]]) })).rejects.toThrow(
      /"mine".*cannot be loaded/,
    );
    await expect(loadFamilies({ outsidePortals: new Map([["mine", join(folder, "empty.mjs")]]) })).rejects.toThrow(
      /"mine".*exports no family/,
    );
  });
});
