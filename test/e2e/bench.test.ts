import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Measure } from "../bench/measure.ts";

const PROGRAM = join(import.meta.dirname, "../bench/main.ts");
const NAMES = [
  "bare saxes",
  "parse",
  "parse, every row by saxes",
  "parse, utf-16le",
  "parse, utf-16le, every row by saxes",
  "parse, windows-1255",
  "parse, windows-1255, every row by saxes",
  "parse, promotions",
  "bare COPY",
  "write, first load",
  "write, next day",
  "write, same day again",
  "bus in",
  "bus out",
  "whole line, start to loaded",
  "whole line, start to end of the command",
  "whole line, database server started and stopped too",
  "10 files, start to loaded, per file",
  "10 files, the second 5",
  "peak memory, one file",
  "peak memory, 10 files",
];

describe("npm run bench -- --quick --json", () => {
  let measures: Measure[];

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, "--quick", "--json"]);
    measures = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Measure);
  }, 600_000);

  test("prints every measure once, one JSON object per line", () => {
    expect(measures.map(({ name }) => name)).toEqual(NAMES);
  });

  test("gives each a unit, and a finite value, baseline and ratio above zero", () => {
    const isPositive = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value > 0;
    const odd = measures.filter(
      ({ unit, value, baseline, ratio }) => ![value, baseline, ratio].every(isPositive) || !/^\S+$/.test(unit),
    );
    expect(odd).toEqual([]);
  });
});
