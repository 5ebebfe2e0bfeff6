#!/usr/bin/env node
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The oldest Node that runs gogobe: it strips types by default and has what the current libraries need. */
const OLDEST_NODE = [22, 18];
const PINNED_NODE = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
const SOURCE = new URL("../cli/main.ts", import.meta.url);
const BUILT = new URL("../dist/cli/main.js", import.meta.url);

// A checkout runs its source: what Node makes of it is kept beside the dependencies, and spares 25 MB and a third of every start.
// Where that directory cannot be written, nothing is kept.
if (existsSync(SOURCE))
  module.enableCompileCache?.(fileURLToPath(new URL("../node_modules/.cache/gogobe", import.meta.url)));
// Name look-ups and file writes share these threads, and a look-up that hangs holds one for seconds. Read once, at the first use.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

if (isNewEnough()) {
  // A checkout runs its source, so a stale build can never answer for it; the package holds the build alone.
  const { main } = await import((existsSync(SOURCE) ? SOURCE : BUILT).href);
  await main(process.argv.slice(2));
} else if (existsSync(PINNED_NODE)) {
  runOnPinnedNode();
} else {
  console.error(`gogobe: needs Node ${OLDEST_NODE.join(".")} or newer, this is ${process.versions.node}`);
  console.error("  what to do: install a current Node, or run `npm ci` in the checkout, which brings one");
  process.exitCode = 1;
}

function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

function runOnPinnedNode() {
  const child = spawn(PINNED_NODE, process.argv.slice(1), { stdio: "inherit" });
  // A terminal sends Ctrl-C to both processes; what reaches this one alone is passed on.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`gogobe: cannot start ${PINNED_NODE}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
