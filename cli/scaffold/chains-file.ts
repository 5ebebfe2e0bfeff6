import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../shared/errors.ts";

/** The file that an entry goes into. */
export interface ChainsTarget {
  path: string;
  exists: boolean;
  /** The registry of the package itself, in a checkout. */
  isRegistry: boolean;
  /** False where `GOGOBE_CHAINS_FILE` must be set first. */
  inForce: boolean;
}

export interface TargetFlags {
  file?: string;
  registry?: boolean;
}

/** The root of the checkout that this program runs from; null for an installed package, which holds no source. */
export function checkoutRoot(): string | null {
  return import.meta.filename.endsWith(".ts") ? fileURLToPath(new URL("../..", import.meta.url)) : null;
}

/**
 * Where an entry goes: `--registry`, else `--file`, else the file that `GOGOBE_CHAINS_FILE` names.
 * @throws {UsageError} when no place was named, or there is no checkout to write into
 */
export function chainsTarget(flags: TargetFlags, chainsFile: string | null): ChainsTarget {
  if (flags.registry && flags.file !== undefined) throw new UsageError("--registry and --file name two places");
  if (flags.registry) {
    const root = checkoutRoot();
    if (root === null) {
      throw new UsageError("--registry writes into a checkout, and this is an installed package", {
        hint: "set GOGOBE_CHAINS_FILE, or name a file with --file",
      });
    }
    return { path: resolve(root, "crawlers/chains.json"), exists: true, isRegistry: true, inForce: true };
  }
  const named = flags.file ?? chainsFile;
  if (named === null) {
    throw new UsageError("say where the entry goes: GOGOBE_CHAINS_FILE is not set, and no --file was given", {
      hint: "export GOGOBE_CHAINS_FILE=$PWD/chains.json and run it again; in a checkout, --registry adds it to the package",
    });
  }
  const path = resolve(named);
  return {
    path,
    exists: existsSync(path),
    isRegistry: false,
    inForce: chainsFile !== null && resolve(chainsFile) === path,
  };
}

/** The text of the file, or an empty object where there is none yet. */
export function readTarget({ path, exists }: ChainsTarget): string {
  return exists ? readFileSync(path, "utf8") : "{}\n";
}
