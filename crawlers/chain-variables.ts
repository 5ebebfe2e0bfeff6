import { UsageError } from "../shared/errors.ts";

type JsonObject = Record<string, unknown>;

/** The last word of `GOGOBE_CHAIN_<KEY>_<WORD>`, and the key of an entry's account that it stands for. */
const ACCOUNT_WORDS = { USERNAME: "username", PASSWORD: "password" } as const;

/**
 * Lays `GOGOBE_CHAIN_<KEY>_USERNAME`, `_PASSWORD` and `_PROXY` over the entries, so that an account of one's own never stands in a
 * file. `<KEY>` is the registry key in capitals, dashes as underscores: `GOGOBE_CHAIN_RAMI_LEVY_PASSWORD`.
 * @throws {UsageError} for a variable that no chain answers to: a misspelt account would be an outage otherwise
 */
export function applyChainVariables(entries: JsonObject, variables: Readonly<Record<string, string>>): JsonObject {
  const keys = new Map(Object.keys(entries).map((key) => [key.toUpperCase().replaceAll("-", "_"), key]));
  const applied = { ...entries };
  for (const [name, value] of Object.entries(variables)) {
    const [, chain = "", word = ""] = /^GOGOBE_CHAIN_(.+)_([A-Z]+)$/.exec(name) ?? [];
    const key = keys.get(chain);
    if (key === undefined) {
      throw new UsageError(`${name}: no chain has that key`, {
        hint: "GOGOBE_CHAIN_<KEY>_PASSWORD: the key in capitals, dashes as underscores; gogobe chains list shows the keys",
      });
    }
    applied[key] = withVariable(applied[key], name, word, value);
  }
  return applied;
}

function withVariable(entry: unknown, name: string, word: string, value: string): unknown {
  if (!isObject(entry)) return entry;
  if (word === "PROXY") return { ...entry, proxy: value };
  if (word !== "USERNAME" && word !== "PASSWORD") {
    throw new UsageError(`${name} is not known`, { hint: "a chain has _USERNAME, _PASSWORD and _PROXY" });
  }
  if (!isObject(entry["ftp"])) {
    throw new UsageError(`${name}: the chain has no account in the registry ("ftp")`);
  }
  return { ...entry, ftp: { ...entry["ftp"], [ACCOUNT_WORDS[word]]: value } };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
