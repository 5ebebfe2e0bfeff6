import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type { Config } from "../shared/config.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { errorMessage, UsageError } from "../shared/errors.ts";
import type { ChainRegistry } from "../shared/stage.ts";
import { readEntry } from "./chain-entry.ts";
import { applyChainVariables } from "./chain-variables.ts";
import builtIn from "./chains.json" with { type: "json" };

type JsonObject = Record<string, unknown>;

/** Key of the chains file under which portal families outside the package are named: family name → module path or package. */
export const PORTALS_KEY = "$portals";

/** The registry of the package, for messages. */
const BUILT_IN_FILE = "crawlers/chains.json";

/** The registry together with the portal families that live outside the package (absolute path, or package name). */
export interface LoadedChains extends ChainRegistry {
  readonly outsidePortals: ReadonlyMap<string, string>;
}

type ChainsConfig = Pick<Config, "chainsFile"> & Partial<Pick<Config, "chainVariables">>;

/**
 * The chains of the package with `GOGOBE_CHAINS_FILE` merged over them: objects merge key by key, anything else replaces, `null`
 * for a chain removes it, a new key adds one. The file may also name portal families that live outside the package, as
 * `"$portals": {"<family>": "<path from this file, or package>"}`. Accounts and proxies of the environment are laid over all of it.
 * @throws {UsageError} naming file, chain and key of everything that is wrong
 */
export function loadChains(config: ChainsConfig): LoadedChains {
  const overrides = config.chainsFile === null ? {} : readChainsFile(config.chainsFile);
  const file = config.chainsFile ?? BUILT_IN_FILE;
  const merged: JsonObject = { ...builtIn };
  for (const [key, override] of Object.entries(overrides)) {
    if (key === PORTALS_KEY) continue;
    if (override === null) delete merged[key];
    else merged[key] = mergeDeep(merged[key], override);
  }
  const entries = Object.entries(applyChainVariables(merged, config.chainVariables ?? {}));
  const chains = entries.map(([key, entry]) => readEntry(key, entry, key in overrides ? file : BUILT_IN_FILE));
  return registryOf(chains, readOutsidePortals(overrides[PORTALS_KEY], file));
}

/** A registry over chains that are valid already. */
export function registryOf(chains: readonly Chain[], outsidePortals = new Map<string, string>()): LoadedChains {
  const byKey = new Map(chains.map((chain) => [chain.key, chain]));
  const byId = new Map<string, Chain>();
  for (const chain of chains.toSorted((a, b) => Number(a.status === "retired") - Number(b.status === "retired"))) {
    for (const id of [...chain.chainIds, ...(chain.chainIdAliases ?? [])]) {
      const comparable = withoutLeadingZeros(id);
      if (!byId.has(comparable)) byId.set(comparable, chain);
    }
  }
  return {
    all: () => chains,
    byKey: (key) => byKey.get(key),
    byChainId: (chainId) => byId.get(withoutLeadingZeros(chainId)),
    outsidePortals,
  };
}

function readChainsFile(path: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw new UsageError(`GOGOBE_CHAINS_FILE: ${path} cannot be read as JSON: ${errorMessage(cause)}`, {
      cause,
      ...(missing ? { hint: "gogobe chains new <key> makes the file; an empty one is {}" } : {}),
    });
  }
  if (!isObject(parsed)) {
    throw new UsageError(`GOGOBE_CHAINS_FILE: ${path} must hold one JSON object, chain keys to entries`);
  }
  return parsed;
}

function readOutsidePortals(named: unknown, file: string): Map<string, string> {
  if (named === undefined) return new Map();
  if (!isObject(named) || Object.values(named).some((target) => typeof target !== "string" || target === "")) {
    throw new UsageError(`${file}: "${PORTALS_KEY}" must be an object of family name to module path or package name`);
  }
  return new Map(
    Object.entries(named).map(([family, target]) => {
      const text = String(target);
      return [family, /^[./]/.test(text) ? resolve(dirname(file), text) : packageBeside(file, text)];
    }),
  );
}

/** A package is looked for where the chains file is, and else where gogobe is. */
function packageBeside(file: string, name: string): string {
  try {
    return createRequire(resolve(file)).resolve(name);
  } catch {
    return name;
  }
}

function mergeDeep(base: unknown, override: unknown): unknown {
  if (!isObject(base) || !isObject(override)) return override;
  const merged = { ...base };
  for (const [key, value] of Object.entries(override)) merged[key] = mergeDeep(merged[key], value);
  return merged;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutLeadingZeros(id: string): string {
  return id.replace(/^0+(?=.)/, "");
}
