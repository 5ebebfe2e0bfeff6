import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Measure } from "../bench/measure.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";

const PROGRAM = join(import.meta.dirname, "../bench/main.ts");
const NAMES = [
  "embedded default, files",
  "embedded default, items",
  "fleet, files",
  "fleet, items",
  "fleet, two parsers, items",
  "parsing a backlog alone, items",
  "parsing a backlog alone, two parsers, items",
];
const engines = findFleetEngines();

function bench(args: string[], env: NodeJS.ProcessEnv = process.env) {
  return promisify(execFile)(process.execPath, [PROGRAM, "--fleet", ...args], { env });
}

test.skipIf(!engines)(
  `npm run bench -- --fleet --quick --json prints every measure once, each with a ratio${engines ? "" : ` (${NO_ENGINES})`}`,
  async () => {
    const { stdout } = await bench(["--quick", "--json"]);
    const lines = stdout.trimEnd().split("\n");
    const measures = lines.map((line) => JSON.parse(line) as Measure);
    expect(measures.map(({ name }) => name)).toEqual(NAMES);
    const isPositive = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value > 0;
    const odd = measures.filter(({ value, baseline, ratio }) => ![value, baseline, ratio].every(isPositive));
    expect(odd).toEqual([]);
  },
);

describe("where the environment names no engines", () => {
  test("the bench of the fleet says how to start them, and ends with 2", async () => {
    const bare = { ...process.env, GOGOBE_TEST_KAFKA_BROKERS: "" };
    const failure: unknown = await bench(["--quick"], bare).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringContaining("infra/native/up starts them") });
  });
});
