import { existsSync } from "node:fs";
import { join } from "node:path";

/** The folder of real files beside the repository; not part of it. */
export const HANDED_OVER = join(import.meta.dirname, "../../../shared");

/** A reason to skip, or null where the folder is present. Goes into the title, so that a skipped test says why. */
export function whyWithout(path: string): string | null {
  return existsSync(join(HANDED_OVER, path)) ? null : `skipped: ../shared/${path} is not beside the repository`;
}
