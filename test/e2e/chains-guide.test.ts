import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CheckReport } from "../../cli/check-chain.ts";
import type { RunResult } from "../../cli/run-once.ts";
import { sampleFilesOf } from "../../cli/sample-files.ts";
import type { OfferedFile, OutsideFake } from "../../crawlers/portals/outside.ts";
import { copyCheckout } from "../helpers/checkout.ts";
import { createTestHome, type TestHome } from "../helpers/test-home.ts";

const SECRET = "only-here";
const SCAFFOLD = [
  "crawlers/portals/corner-site.ts",
  "crawlers/portals/index.ts",
  "test/fake-portals/corner-site.ts",
  "test/fake-portals/index.ts",
  "test/contract/portal-corner-site.test.ts",
  "crawlers/chains.json",
];

let checkout: ReturnType<typeof copyCheckout>;
let home: TestHome;
beforeAll(async () => {
  checkout = copyCheckout();
  home = await createTestHome({ database: true });
});
afterAll(async () => {
  await home.remove();
  checkout.remove();
});

/** Runs a script in the copied checkout as a person would, and ends with what both streams said. */
function shell(
  script: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string; stdout: string }> {
  // What tells vitest that it runs inside vitest must not reach the one that the guide starts.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|GOGOBE_|TEST$)/.test(name));
  const child = spawn("bash", ["-e", "-o", "pipefail", "-c", script], {
    cwd: checkout.path,
    env: { ...Object.fromEntries(inherited), GOGOBE_HOME: home.path, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output, stdout })));
}

describe("the guide to adding a chain", () => {
  test("runs to its last command in a fresh checkout, word for word", async () => {
    const guide = readFileSync(join(checkout.path, "docs/adding-a-chain.md"), "utf8");
    const blocks = [...guide.matchAll(/```(\w*)\n(.*?)```/gs)];
    expect(blocks.map(([, language]) => language)).toEqual(blocks.map(() => "sh"));
    const { code, output } = await shell(blocks.map(([, , block]) => block).join("\n"));
    expect({ code, output }).toMatchObject({ code: 0 });
    for (const key of ["corner-shop", "corner-store", "corner-market", "market"]) {
      expect(output).toContain(`${key} is added to `);
      expect(output).toMatch(new RegExp(`^${key} \\(.*\\), its fake portal on this machine: found, 5 files`, "m"));
    }
    expect(output).toMatch(/Test Files +1 passed.*\n +Tests +1\d passed \| 2 skipped/);
    expect(output).toMatch(/(?:pass|# pass) 6/);
    expect(output).toContain('"password":"[set]"');
    expect(output).not.toContain(SECRET);
  }, 600_000);

  test("leaves a checkout behind that types, linter and formatter accept", async () => {
    const files = SCAFFOLD.join(" ");
    const { code, output } = await shell(
      `npx biome format ${files} && npx oxlint --deny-warnings ${files} && { npx tsc --noEmit | grep corner-site && exit 1 || true; }`,
    );
    expect({ code, output }).toMatchObject({ code: 0 });
  });
});

describe("the plugin outside the package that the guide makes", () => {
  let portal: OutsideFake;
  const chain = { key: "market", nameEn: "Market", nameHe: "שוק", chainIds: ["7299900000071"], portal: "market-site" };
  const gogobe = (args: string) =>
    shell(`npx gogobe ${args}`, { GOGOBE_CHAINS_FILE: join(checkout.path, "my-chains.json") });

  beforeAll(async () => {
    const module = join(checkout.path, "plugins/market-site.fake.mjs");
    const { startPortal } = (await import(pathToFileURL(module).href)) as {
      startPortal(files: OfferedFile[]): Promise<OutsideFake>;
    };
    portal = await startPortal(sampleFilesOf(chain, new Date()));
    const path = join(checkout.path, "my-chains.json");
    const file = JSON.parse(readFileSync(path, "utf8")) as Record<string, object>;
    const market = { ...file["market"], baseUrl: portal.url, allowPrivateHosts: ["127.0.0.1"] };
    writeFileSync(path, JSON.stringify({ ...file, market }));
  });
  afterAll(() => portal.close());

  test("is checked live, where its entry says", async () => {
    const { code, stdout } = await gogobe("chains check market --live --json");
    const report = JSON.parse(stdout) as CheckReport;
    expect({ code, live: report.live, state: report.state, problems: report.problems }).toEqual({
      code: 0,
      live: true,
      state: "found",
      problems: [],
    });
    expect(report.files).toHaveLength(5);
  });

  test("feeds the whole pipeline, and is listed with what was found", async () => {
    const run = await gogobe("run --once --chains market --json");
    expect((JSON.parse(run.stdout) as RunResult).files).toMatchObject({ loaded: 5 });
    const listed = await gogobe("chains list --portal market-site --json");
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { chain: "market", portal: "market-site", listing: "found", listed: 5, new: 5, circuit: "closed" },
    ]);
  });
});
