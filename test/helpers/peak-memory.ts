import { readFileSync } from "node:fs";

/**
 * Peak resident memory of this process in bytes: the high-water mark that Linux keeps, elsewhere the largest that Node was told of.
 */
export function peakMemoryBytes(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
