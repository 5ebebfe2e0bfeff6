import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The last commit as a newcomer has it after `git clone` and `npm ci`: what somebody has begun in this checkout is not in it. */
export function copyCheckout(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "gogobe-checkout-"));
  const archive = execFileSync("git", ["archive", "HEAD"], { cwd: ROOT, maxBuffer: 1_000_000_000 });
  execFileSync("tar", ["xf", "-"], { cwd: path, input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
