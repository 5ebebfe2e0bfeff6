import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CheckReport } from "../../cli/check-chain.ts";
import { sampleFilesOf } from "../../cli/sample-files.ts";
import type { OfferedFile } from "../../crawlers/portals/outside.ts";
import { loadChains } from "../../crawlers/chains.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { FAKE_PORTALS } from "../fake-portals/index.ts";
import { createPipeline, type Pipeline } from "../helpers/pipeline.ts";

const registry = loadChains({ chainsFile: null });
const FIVE_TYPES = ["price", "price-full", "promo", "promo-full", "stores"];

let pipeline: Pipeline;
/** The fake portal of every family, and the chain that the chains file points at it. */
const portals = new Map<string, { key: string; portal: FakePortal }>();

beforeAll(async () => {
  const overrides: Record<string, unknown> = {};
  for (const [family, start] of Object.entries(FAKE_PORTALS)) {
    const chain = registry.all().find((candidate) => candidate.portal === family);
    if (!chain) continue;
    const { key, nameEn, nameHe, chainIds, ftp } = chain;
    const files = sampleFilesOf(chain, new Date());
    const portal = await start(files, { chain: { key, nameEn, nameHe, chainIds }, ...(ftp ? { account: ftp } : {}) });
    portals.set(family, { key, portal });
    Object.assign(overrides, portal.chainOverrides());
  }
  pipeline = await createPipeline({ chains: overrides });
});
afterAll(async () => {
  await Promise.all([...portals.values()].map(({ portal }) => portal.close()));
  await pipeline.close();
});

function at(family: string): { key: string; portal: FakePortal } {
  const found = portals.get(family);
  if (!found) throw new Error(`no portal of ${family}`);
  return found;
}

test("all 41 chains pass against the fake portal of their family: listed, one file of each type downloaded and parsed", async () => {
  const { code, stdout, stderr } = await pipeline.gogobe(["chains", "check", "--all", "--json"]);
  const reports = JSON.parse(stdout) as CheckReport[];
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(reports.map(({ chain }) => chain)).toEqual(registry.all().map(({ key }) => key));
  expect(reports.length).toBeGreaterThanOrEqual(41);
  for (const { chain, live, state, problems, notes, files } of reports) {
    expect({ chain, live, state, problems, notes }).toEqual({
      chain,
      live: false,
      state: "found",
      problems: [],
      notes: [],
    });
    expect(files.map(({ type }) => type)).toEqual(FIVE_TYPES);
    for (const file of files) {
      expect(file, `${chain} ${file.type}`).toMatchObject({ rejected: 0, unknownTags: {}, problem: null });
      expect(file.rows).toBeGreaterThan(0);
      expect(file.sizeBytes).toBeGreaterThan(0);
    }
  }
});

test("with --live every family is asked where the chains file says it is, and nothing is recorded", async () => {
  const keys = [...portals.values()].map(({ key }) => key);
  const reports = JSON.parse(await pipeline.must(["chains", "check", ...keys, "--live", "--json"])) as CheckReport[];
  expect(reports.map(({ chain, live, state, problems }) => ({ chain, live, state, problems }))).toEqual(
    keys.map((chain) => ({ chain, live: true, state: "found", problems: [] })),
  );
  for (const { key, portal } of portals.values()) {
    expect(portal.served(), key).toHaveLength(5);
  }
  expect(
    await pipeline.query(
      "SELECT (SELECT count(*)::int FROM files) + (SELECT count(*)::int FROM chain_listings) AS noted",
    ),
  ).toEqual([{ noted: 0 }]);
});

test("a person reads the table of types, one line each", async () => {
  const { key } = at("wolt");
  const text = await pipeline.must(["chains", "check", key, "--live", "--types", "stores,promo-full"]);
  const [head = "", columns = "", ...lines] = text.trimEnd().split("\n");
  expect(head).toMatch(/^wolt \(wolt\), the real portal: found, 2 files since \d{4}-\d\d-\d\d until \d{4}-\d\d-\d\d, /);
  expect(columns.trim().replaceAll(/ +/g, " ")).toBe(
    "type listed file size dialect encoding rows rejected unknown_tags result",
  );
  expect(lines.map((line) => line.trim().split(/ +/)[0])).toEqual(["promo-full", "stores"]);
  expect(lines.every((line) => line.endsWith(" ok"))).toBe(true);
});

describe("what is wrong", () => {
  const reports = new Map<string, CheckReport>();
  let ended: { code: number | null; stderr: string };
  const reportOf = (family: string) => reports.get(at(family).key);

  /** Every portal in a trouble of its own, checked by one command. */
  beforeAll(async () => {
    at("shufersal").portal.addFault({
      kind: "rewrite",
      change: (body: string) => body.replaceAll("gridContainer", "other"),
    });
    await at("netiv-hesed").portal.goDown();
    const ill = at("meshnat-yosef-worker");
    const illChain = registry.byKey(ill.key);
    if (!illChain) throw new Error(`no chain ${ill.key}`);
    ill.portal.setFiles(spoilt(sampleFilesOf(illChain, new Date())));
    ill.portal.addFault({ kind: "status", status: 404, on: /PromoFull/ });
    const stranger = at("super-pharm");
    const asStranger = {
      key: stranger.key,
      nameEn: "x",
      nameHe: "x",
      chainIds: ["7299999999999"],
      portal: "super-pharm",
    };
    stranger.portal.setFiles(sampleFilesOf(asStranger, new Date()));

    const keys = ["shufersal", "netiv-hesed", "meshnat-yosef-worker", "super-pharm", "wolt"].map(
      (name) => portals.get(name)?.key ?? "",
    );
    const { code, stdout, stderr } = await pipeline.gogobe(["chains", "check", ...keys, "--live", "--json"]);
    ended = { code, stderr };
    for (const report of JSON.parse(stdout) as CheckReport[]) reports.set(report.chain, report);
    await at("netiv-hesed").portal.comeBack();
  });

  test("ends with 1, and the chains that need a look are named", () => {
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe(
      "gogobe: 4 chains of 5 need a look: shufersal, netiv-hesed, meshnat-yosef-1, super-pharm\n",
    );
  });

  test("leaves the check of the other chains alone", () => {
    expect(reportOf("wolt")?.problems).toEqual([]);
  });

  test("names the selector that a portal with another layout lacks", () => {
    expect(reportOf("shufersal")).toMatchObject({
      state: "layout-not-recognised",
      files: [],
      problems: [expect.stringMatching(/layout-not-recognised: .*without .*#gridContainer/)],
    });
  });

  test("a portal that is down is unreachable, never empty", () => {
    expect(reportOf("netiv-hesed")).toMatchObject({
      state: "unreachable",
      problems: [expect.stringMatching(/unreachable: host 127\.0\.0\.1:\d+: the connection was refused/)],
    });
  });

  test("a file that cannot be fetched, one cut short, one of another kind and one without rows are named, and unknown tags noted", () => {
    const report = reportOf("meshnat-yosef-worker");
    expect(Object.fromEntries(report?.files.map(({ type, problem }) => [type, problem]) ?? [])).toEqual({
      price: null,
      "price-full": "parse: not one row",
      promo: expect.stringMatching(/^parse: .*HTML/i),
      "promo-full": expect.stringMatching(/^download: .*404/),
      stores: expect.stringMatching(/^parse: /),
    });
    expect(report?.files.find(({ type }) => type === "price")?.unknownTags).toEqual({ Sparkle: 1 });
    expect(report?.notes).toEqual(["tags that no dialect knows: Sparkle (price)"]);
    expect(report?.problems).toHaveLength(4);
  });

  test("chain ids that the registry does not know are named", () => {
    expect(reportOf("super-pharm")).toMatchObject({
      foreignChainIds: ["7299999999999"],
      problems: [expect.stringMatching(/chain ids .* 7299999999999$/)],
    });
  });
});

/** The files, each but one broken in another way. */
function spoilt(files: OfferedFile[]): OfferedFile[] {
  const xml = (rows: string) =>
    Buffer.from(`<Root><ChainId>1</ChainId><StoreId>1</StoreId><Items>${rows}</Items></Root>`);
  const row = "<Item><ItemCode>7290000000008</ItemCode><ItemPrice>5.00</ItemPrice><Sparkle>1</Sparkle></Item>";
  return files.map((file) => {
    if (/^Price\d/.test(file.name)) return { ...file, content: xml(row) };
    if (file.name.startsWith("PriceFull")) return { ...file, content: xml("") };
    if (/^Promo\d/.test(file.name)) return { ...file, content: Buffer.from("<html><body>blocked</body></html>") };
    return file.name.startsWith("Stores") ? { ...file, content: file.content.subarray(0, 120) } : file;
  });
}

test("a chain and --all together are wrong usage", async () => {
  const { code, stderr } = await pipeline.gogobe(["chains", "check", "shufersal", "--all"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("--all and keys together") });
});
