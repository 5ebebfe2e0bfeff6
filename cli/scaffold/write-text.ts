import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errorMessage, GogobeError } from "../../shared/errors.ts";

/** Writes a file whole or not at all, its folder included. @throws {GogobeError} */
export function writeText(path: string, text: string): void {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new GogobeError(`${path} cannot be written: ${errorMessage(cause)}`, { cause });
  }
}
