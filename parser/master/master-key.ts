import { hash } from "node:crypto";
import { gtin14 } from "../normalise/gtin.ts";
import { detached } from "../normalise/text.ts";

/** Own masters start here, above every GTIN read as a number. */
const OWN_BASE = 10 ** 14;
/** How many ids there are from OWN_BASE up to the largest integer that JSON carries exactly. */
const OWN_SPAN = 2 ** 53 - OWN_BASE;
const MAX_CACHED = 50_000;

/** How an item is tied to its master product (architecture §8), as far as the item alone tells. */
export interface Master {
  gtin: string | undefined;
  master_id: number;
  master_key: string;
  master_method: "barcode" | "own";
}

/**
 * `10^14 + hash(master_key) mod (2^53 - 10^14)`, where the hash is the first 53 bits of SHA-256 over the key in UTF-8. Exact in a
 * double: both numbers stay below 2^53.
 */
export function ownMasterId(masterKey: string): number {
  const digest = hash("sha256", masterKey, "buffer");
  const first53 = digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11);
  return OWN_BASE + (first53 % OWN_SPAN);
}

/** The masters of one chain's items. The same few thousand codes come in every file of a chain, so own ones are remembered. */
export class MasterKeys {
  readonly #prefix: string;
  readonly #own = new Map<string, Master>();

  constructor(chain: string) {
    this.#prefix = `own:${chain}:`;
  }

  /** `code` is the item code as published, trimmed. */
  of(code: string): Master {
    const gtin = gtin14(code);
    if (gtin !== undefined) {
      return { gtin, master_id: Number(gtin), master_key: `gtin:${gtin}`, master_method: "barcode" };
    }
    const known = this.#own.get(code);
    if (known !== undefined) return known;
    const master_key = this.#prefix + detached(code);
    const master: Master = { gtin: undefined, master_id: ownMasterId(master_key), master_key, master_method: "own" };
    if (this.#own.size >= MAX_CACHED) this.#own.clear();
    this.#own.set(detached(code), master);
    return master;
  }
}
