import { InvalidArgumentError } from "commander";
import { type FileType, FILE_TYPES } from "../shared/contracts/file-identity.ts";
import { UsageError } from "../shared/errors.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import type { ChainRegistry } from "../shared/stage.ts";

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number of at least 1.");
  return Number(text);
}

/** `a,b , c` as a list of distinct words. */
export function parseList(text: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.some((word) => word === "")) throw new InvalidArgumentError("It must be words with commas between them.");
  return [...new Set(words)];
}

/** `price,promo-full`: file types. */
export function parseTypes(text: string): FileType[] {
  return parseList(text).map((word) => {
    const type = FILE_TYPES.find((known) => known === word);
    if (type === undefined) throw new InvalidArgumentError(`"${word}" is none of ${FILE_TYPES.join(", ")}.`);
    return type;
  });
}

/** A calendar day in Israel, `yyyy-mm-dd`. */
export function parseDay(text: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  if (!day || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) {
    throw new InvalidArgumentError("It must be a day such as 2026-08-14.");
  }
  return text;
}

/** @throws {UsageError} when the second day lies before the first */
export function checkDays(options: { since?: string; until?: string }): void {
  if (options.since && options.until && options.until < options.since) {
    throw new UsageError(`--until ${options.until} lies before --since ${options.since}`);
  }
}

/** @throws {UsageError} naming the keys that no chain has */
export function checkChains(chains: ChainRegistry, keys: readonly string[] = []): void {
  const unknown = keys.filter((key) => chains.byKey(key) === undefined);
  if (unknown.length > 0) {
    throw new UsageError(`unknown ${unknown.length === 1 ? "chain" : "chains"}: ${unknown.join(", ")}`, {
      hint: "gogobe chains list shows every key",
    });
  }
}

/** @throws {UsageError} for a key that no chain has */
export function requireChain(chains: ChainRegistry, key: string): Chain {
  checkChains(chains, [key]);
  const chain = chains.byKey(key);
  if (chain === undefined) throw new UsageError(`unknown chain: ${key}`);
  return chain;
}
