import { readFileSync } from "node:fs";
import { CHAIN_VARIABLE, SETTINGS, type SettingName } from "../shared/config.ts";
import { redactUrl } from "../shared/observability/log.ts";

/** One setting as it stands: its value, where that comes from, and what it means. */
export interface SettingInForce {
  setting: string;
  value: string;
  from: "environment" | "file" | "default" | "unset";
  about: string;
}

type Environment = Record<string, string | undefined>;

/**
 * Every setting with the value in force, secrets hidden; wrong values are shown too, so that a person sees what to mend. Accounts and
 * proxies of single chains follow, where there are any.
 */
export function settingsInForce(environment: Environment = process.env): SettingInForce[] {
  const file = readSettingsFile(environment["GOGOBE_CONFIG"]);
  const settings = Object.entries(SETTINGS).map(([setting, { kind, fallback, about }]) => {
    const name = setting as SettingName;
    const [from, value] = sourceOf(environment[name], file[name], fallback);
    return { setting, value: shown(value, kind), from, about };
  });
  const ofChains = [...new Set([...Object.keys(file), ...Object.keys(environment)])].filter((name) =>
    CHAIN_VARIABLE.test(name),
  );
  return [
    ...settings,
    ...ofChains.toSorted().map((setting) => {
      const [from, value] = sourceOf(environment[setting], file[setting], null);
      return { setting, value: shown(value, "secret"), from, about: "account or proxy of one chain" };
    }),
  ];
}

function sourceOf(
  fromEnvironment: string | undefined,
  fromFile: string | undefined,
  fallback: string | null,
): [SettingInForce["from"], string | null] {
  if (fromEnvironment !== undefined) return ["environment", fromEnvironment];
  if (fromFile !== undefined) return ["file", fromFile];
  return fallback === null ? ["unset", null] : ["default", fallback];
}

function shown(value: string | null, kind: string): string {
  if (value === null || value.trim() === "") return "";
  if (kind !== "secret") return value;
  return URL.canParse(value) ? redactUrl(value) : "[set]";
}

/** The settings file, or nothing where it cannot be read: what is wrong with it, `loadConfig` says. */
function readSettingsFile(path: string | undefined): Environment {
  if (path === undefined || path === "") return {};
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parsed !== "object" || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}
