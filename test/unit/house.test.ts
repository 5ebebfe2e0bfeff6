import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/command-table.ts";
import { createProgram } from "../../cli/main.ts";
import { SETTINGS } from "../../shared/config.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT })
  .toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(ROOT, path)));
const HELP = { long: "--help", short: "-h" };
const DOCS = tracked.filter((path) => path.endsWith(".md"));

describe("the import rule", () => {
  const STAGES = ["crawlers", "downloader", "parser", "writer"];
  let house: string;

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), "gogobe-house-"));
    cpSync(join(ROOT, ".oxlintrc.json"), join(house, ".oxlintrc.json"));
  });
  afterAll(() => rmSync(house, { recursive: true }));

  /** What the linter, with the real rules, says of one file that imports another. */
  function lint(file: string, imported: string): { code: number | null; output: string } {
    const path = join(house, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `import { thing } from "${imported}";\n\nexport const other = thing;\n`);
    const oxlint = join(ROOT, "node_modules/oxlint/bin/oxlint");
    const { status, stdout } = spawnSync(process.execPath, [oxlint, "--deny-warnings", file], { cwd: house });
    rmSync(path);
    return { code: status, output: stdout.toString() };
  }

  const others = STAGES.flatMap((stage) =>
    [...STAGES, "cli", "test"].filter((other) => other !== stage).map((other) => [stage, other] as const),
  );

  test.each(others)("refuses %s/ that imports %s/", (stage, other) => {
    const { code, output } = lint(`${stage}/probe.ts`, `../${other}/thing.ts`);
    expect(output).toContain("a stage imports from shared/ only");
    expect(code).not.toBe(0);
  });

  test("refuses it from a folder deeper down too", () => {
    expect(lint("crawlers/portals/probe.ts", "../../parser/sniff.ts").code).not.toBe(0);
  });

  test.each([...STAGES, "cli", "test"])("refuses shared/ that imports %s/", (other) => {
    const { code, output } = lint("shared/bus/probe.ts", `../../${other}/thing.ts`);
    expect(output).toContain("shared/ imports no stage");
    expect(code).not.toBe(0);
  });

  test.each([
    ["writer/probe.ts", "../shared/errors.ts"],
    ["writer/merge/probe.ts", "../staging.ts"],
    ["cli/probe.ts", "../writer/worker.ts"],
    ["test/unit/probe.test.ts", "../../parser/sniff.ts"],
  ])("lets %s import %s", (file, imported) => {
    expect(lint(file, imported)).toMatchObject({ code: 0 });
  });
});

describe("the house", () => {
  test("keeps every source file within about 300 lines", () => {
    const sources = tracked.filter((path) => /\.(ts|js)$/.test(path));
    expect(sources.length).toBeGreaterThan(50);
    const long = sources
      .map((path) => ({ path, lines: read(path).split("\n").length }))
      .filter(({ lines }) => lines > 340);
    expect(long).toEqual([]);
  });

  test("names files in kebab-case", () => {
    const odd = tracked.filter(
      (path) => /\.(ts|js)$/.test(path) && !/^[a-z0-9-]+(\.[a-z]+)+$/.test(path.split("/").at(-1) ?? ""),
    );
    expect(odd).toEqual([]);
  });
});

describe("the documentation", () => {
  test("names only commands, subcommands and options that exist", async () => {
    const wrong: string[] = [];
    for (const path of DOCS) {
      for (const line of commandLines(read(path))) {
        const complaint = await complaintAbout(line);
        if (complaint) wrong.push(`${path}: gogobe ${line}: ${complaint}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 30_000);

  test("names every command in one place or another", () => {
    const text = DOCS.map(read).join("\n");
    expect(COMMANDS.map(({ name }) => name).filter((name) => !text.includes(`gogobe ${name}`))).toEqual([]);
  });

  test("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = DOCS.flatMap((path) =>
      [...read(path).matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map((match) => match[1]),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => name === undefined || !(name in scripts))).toEqual([]);
  });

  test("links only to files that exist", () => {
    const broken = DOCS.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
        .map((match) => join(dirname(path), match[1] ?? ""))
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test("lists the settings of the README exactly as the code has them", () => {
    const marks = /(<!-- settings:.*?-->\n)(.*?)(<!-- end of settings -->)/s;
    const readme = read("README.md");
    const table = settingsTable();
    if (process.env["UPDATE_DOCS"] === "1") {
      writeFileSync(
        join(ROOT, "README.md"),
        readme.replace(marks, (_all, start: string, _old, end: string) => `${start}${table}${end}`),
      );
      return;
    }
    expect(marks.exec(readme)?.[2]).toBe(table);
  });
});

function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, setting]) => {
    const words = "oneOf" in setting && setting.oneOf ? ` (${setting.oneOf.join(", ")})` : "";
    return `| \`${name}\` | ${setting.fallback ?? ""} | ${setting.about}${words} |`;
  });
  return ["| setting | default | meaning |", "|---|---|---|", ...rows, ""].join("\n");
}

/** What follows `gogobe` in code blocks and code spans: one command line each. */
function commandLines(markdown: string): string[] {
  const code = [...markdown.matchAll(/```sh\n(.*?)```/gs), ...markdown.matchAll(/`([^`\n]+)`/g)].map(
    (match) => match[1] ?? "",
  );
  return code
    .flatMap((block) => block.split("\n"))
    .map((line) => /(?:^|npx |&& )gogobe ([a-z-].*)$/.exec(line.trim())?.[1])
    .filter((line) => line !== undefined);
}

/** Null for a command line whose words and options are known. */
async function complaintAbout(line: string): Promise<string | null> {
  const words = line.replaceAll(/"[^"]*"/g, "QUOTED").split(/\s+/);
  if (words[0] === "help") return words[1]?.startsWith("<") ? null : complaintAbout(words.slice(1).join(" "));
  let command: Command = await createProgram(words);
  for (const word of words) {
    if (word.startsWith("-")) {
      const known = [command, ...ancestorsOf(command)].flatMap((at) => [...at.options, HELP]);
      if (!known.some((option) => option.long === word || option.short === word)) return `no option ${word}`;
      continue;
    }
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child) command = child;
    else if (command.parent === null) return `no command ${word}`;
    else if (command.commands.length > 0 && command.registeredArguments.length === 0 && !/^[<[A-Z]/.test(word)) {
      if (command.parent !== null) return `no subcommand ${word}`;
    }
  }
  return null;
}

function ancestorsOf(command: Command): Command[] {
  return command.parent === null ? [] : [command.parent, ...ancestorsOf(command.parent)];
}
