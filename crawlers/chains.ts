import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Config } from "../shared/config.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { errorMessage, UsageError } from "../shared/errors.ts";
import type { ChainRegistry } from "../shared/stage.ts";
import builtIn from "./chains.json" with { type: "json" };

const Text = Type.String({ minLength: 1 });
const Host = Type.String({ pattern: "^[A-Za-z0-9.:-]+$" });

/** A registry entry as written: what `Chain` says, with everything optional that has a default. */
const EntrySchema = Type.Object(
  {
    nameEn: Text,
    nameHe: Type.Optional(Text),
    chainIds: Type.Array(Type.String({ pattern: "^[0-9]+$" }), { minItems: 1 }),
    chainIdAliases: Type.Optional(Type.Array(Type.String({ pattern: "^[0-9]+$" }))),
    portal: Text,
    status: Type.Enum(["active", "unstable", "retired"]),
    statusDetail: Type.Optional(Text),
    baseUrl: Type.String({ pattern: "^(https?|ftp)://[^/\\s]+" }),
    hosts: Type.Optional(Type.Array(Host)),
    allowPrivateHosts: Type.Optional(Type.Array(Host)),
    maxParallel: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    intervalSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    proxy: Type.Optional(Type.Union([Type.String({ pattern: "^(https?|socks5?)://[^/\\s]+" }), Type.Null()])),
    ftp: Type.Optional(
      Type.Union([
        Type.Object(
          {
            username: Text,
            password: Type.String(),
            path: Type.String({ pattern: "^/" }),
            rejectUnauthorized: Type.Boolean(),
          },
          { additionalProperties: false },
        ),
        Type.Null(),
      ]),
    ),
    settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    mayBeEmpty: Type.Optional(
      Type.Array(
        Type.Object(
          {
            when: Type.Enum(["always", "saturday", "only-stores", "without-stores", "only-promotions", "single-store"]),
            until: Type.Optional(Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })),
          },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false },
);
type Entry = Static<typeof EntrySchema>;
type JsonObject = Record<string, unknown>;

/** Key of the chains file under which portal families outside the package are named: family name → module path or package. */
const PORTALS_KEY = "$portals";

/** The registry together with the portal families that live outside the package (absolute path, or package name). */
export interface LoadedChains extends ChainRegistry {
  readonly outsidePortals: ReadonlyMap<string, string>;
}

/**
 * The chains of the package with `GOGOBE_CHAINS_FILE` merged over them: objects merge key by key, anything else replaces, `null`
 * for a chain removes it, a new key adds one. The file may also name portal families that live outside the package, as
 * `"$portals": {"<family>": "<path from this file, or package>"}`.
 * @throws {UsageError} naming file, chain and key of everything that is wrong
 */
export function loadChains(config: Pick<Config, "chainsFile">): LoadedChains {
  const overrides = config.chainsFile === null ? {} : readChainsFile(config.chainsFile);
  const file = config.chainsFile ?? "crawlers/chains.json";
  const merged: JsonObject = { ...builtIn };
  for (const [key, override] of Object.entries(overrides)) {
    if (key === PORTALS_KEY) continue;
    if (override === null) delete merged[key];
    else merged[key] = mergeDeep(merged[key], override);
  }
  const chains = Object.entries(merged).map(([key, entry]) => readEntry(key, entry, key in overrides ? file : null));
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

// Validation only runs when a registry is loaded, once per process: the schema is compiled then.
let compiled: ReturnType<typeof Compile<typeof EntrySchema>> | undefined;

function readEntry(key: string, entry: unknown, overriddenIn: string | null): Chain {
  compiled ??= Compile(EntrySchema);
  const where = `${overriddenIn ?? "crawlers/chains.json"}: chain "${key}"`;
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(key)) {
    throw new UsageError(`${where} has a key that is not lower-case letters, digits and dashes`);
  }
  if (!compiled.Check(entry)) {
    throw new UsageError(`${where} is wrong: ${explain(compiled.Errors(entry))}`, {
      hint: "gogobe chains show <key> prints a valid entry",
    });
  }
  if (!URL.canParse(entry.baseUrl)) {
    throw new UsageError(`${where} is wrong: baseUrl "${entry.baseUrl}" is not an address`);
  }
  return toChain(key, entry);
}

function explain(errors: ReturnType<NonNullable<typeof compiled>["Errors"]>): string {
  const lines = errors.slice(0, 5).map((error) => {
    const at = error.instancePath.replace(/^\//, "").replaceAll("/", ".");
    const unknown = error.keyword === "additionalProperties" ? error.params.additionalProperties.join(", ") : "";
    return `${at || "the entry"} ${error.message}${unknown === "" ? "" : ` (${unknown})`}`;
  });
  return lines.join("; ");
}

function toChain(key: string, entry: Entry): Chain {
  return {
    key,
    nameEn: entry.nameEn,
    nameHe: entry.nameHe ?? entry.nameEn,
    chainIds: entry.chainIds,
    portal: entry.portal,
    status: entry.status,
    baseUrl: entry.baseUrl,
    hosts: entry.hosts ?? [],
    allowPrivateHosts: entry.allowPrivateHosts ?? [],
    maxParallel: entry.maxParallel ?? 5,
    // Deltas appear hourly; an hour between listings sees each of them soon and costs a portal little.
    intervalSeconds: entry.intervalSeconds ?? 3600,
    proxy: entry.proxy ?? null,
    ftp: entry.ftp ?? null,
    settings: entry.settings ?? {},
    chainIdAliases: entry.chainIdAliases ?? [],
    mayBeEmpty: entry.mayBeEmpty ?? [],
    ...(entry.statusDetail === undefined ? {} : { statusDetail: entry.statusDetail }),
  };
}

function readChainsFile(path: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`GOGOBE_CHAINS_FILE: ${path} cannot be read as JSON: ${errorMessage(cause)}`, { cause });
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
      return [family, /^[./]/.test(text) ? resolve(dirname(file), text) : text];
    }),
  );
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
