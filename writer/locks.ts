import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { comparableCode } from "../shared/contracts/file-identity.ts";

/** Class of the advisory locks of stores, apart from other users of such locks. */
const STORE_LOCKS = 7201;

/** Name of the lock of a store, or of what a chain publishes for all of its stores (`storeCode` null). */
export function storeLockName(chainId: string, storeCode: string | null): string {
  return `${chainId}:${storeCode === null ? "-" : comparableCode(storeCode)}`;
}

/** Waits for the locks of these stores until the transaction ends. Always in ascending order, so that writers never wait in a circle. */
export async function lockStores(client: ClientBase, names: Iterable<string>): Promise<void> {
  const keys = new Set(Array.from(names, (name) => createHash("sha256").update(name).digest().readInt32BE(0)));
  await client.query(`SELECT pg_advisory_xact_lock(${STORE_LOCKS}, k) FROM unnest($1::integer[]) AS k`, [
    [...keys].sort((a, b) => a - b),
  ]);
}
