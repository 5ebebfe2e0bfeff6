import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { settingsInForce } from "../../../cli/settings-in-force.ts";
import { SETTINGS } from "../../../shared/config.ts";

const directory = mkdtempSync(join(tmpdir(), "gogobe-settings-"));
const file = join(directory, "settings.json");
writeFileSync(file, JSON.stringify({ GOGOBE_LOG_LEVEL: "debug", S3_REGION: "il-central-1" }));
afterAll(() => rmSync(directory, { recursive: true }));

const find = (environment: Record<string, string>, name: string) =>
  settingsInForce(environment).find(({ setting }) => setting === name);

test("every setting is listed once, with its meaning", () => {
  const settings = settingsInForce({});
  expect(settings.map(({ setting }) => setting)).toEqual(Object.keys(SETTINGS));
  expect(settings.filter(({ about }) => about === "")).toEqual([]);
});

test("the environment wins over the file, the file over the default", () => {
  const environment = { GOGOBE_CONFIG: file, GOGOBE_LOG_LEVEL: "warn" };
  expect(find(environment, "GOGOBE_LOG_LEVEL")).toMatchObject({ value: "warn", from: "environment" });
  expect(find(environment, "S3_REGION")).toMatchObject({ value: "il-central-1", from: "file" });
  expect(find(environment, "S3_BUCKET")).toMatchObject({ value: "gogobe-raw", from: "default" });
  expect(find(environment, "S3_ENDPOINT")).toMatchObject({ value: "", from: "unset" });
});

test("no secret is shown, but where a database lies is", () => {
  const shown = settingsInForce({
    DATABASE_URL: "postgresql://anna:hunter2@db.example:5432/prices?password=hunter2",
    KAFKA_PASSWORD: "hunter2",
  });
  expect(JSON.stringify(shown)).not.toContain("hunter2");
  expect(shown.find(({ setting }) => setting === "DATABASE_URL")?.value).toBe("postgresql://db.example:5432/prices");
  expect(shown.find(({ setting }) => setting === "KAFKA_PASSWORD")?.value).toBe("[set]");
});

test("accounts and proxies of single chains are listed where they are set, and never shown", () => {
  const shown = settingsInForce({ GOGOBE_CHAIN_YELLOW_PASSWORD: "hunter2", GOGOBE_CHAINS_FILE: "mine.json" });
  expect(shown.at(-1)).toMatchObject({ setting: "GOGOBE_CHAIN_YELLOW_PASSWORD", value: "[set]", from: "environment" });
  expect(shown).toHaveLength(Object.keys(SETTINGS).length + 1);
});

test("a settings file that cannot be read does not stop the listing: what is wrong with it is said elsewhere", () => {
  expect(find({ GOGOBE_CONFIG: join(directory, "none.json") }, "S3_REGION")).toMatchObject({ from: "default" });
});
