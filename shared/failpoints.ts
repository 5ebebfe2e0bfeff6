/**
 * Named points where a test kills the process for good (SIGKILL), to prove that nothing is lost or done twice.
 * Set GOGOBE_FAILPOINT to a name; unset, as always outside tests, a point costs one comparison.
 */
export const FAILPOINTS = [
  "crawler:ledger-written",
  "crawler:published",
  "downloader:object-stored",
  "downloader:published",
  "parser:batch-published",
  "parser:published",
  "writer:copying",
  "writer:committed",
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

const armed = process.env["GOGOBE_FAILPOINT"];

export function failpoint(name: Failpoint): void {
  if (armed === name) process.kill(process.pid, "SIGKILL");
}
