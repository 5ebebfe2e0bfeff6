import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { deleteEmbeddedPostgres } from "../shared/database/embedded-postgres.ts";
import { type DemoPortals, startDemoPortals } from "../test/fake-portals/demo-portals.ts";
import { createDemo, type Demo } from "../test/fixtures/demo.ts";
import { contextOf } from "./context.ts";
import { type DemoReport, readReport } from "./demo-report.ts";
import { printDemo, say } from "./demo-print.ts";
import { countsText } from "./ledger-summary.ts";
import { counted, printJson } from "./output.ts";
import { runPipelineOnce } from "./run-once.ts";
import { type Runtime, withRuntime } from "./runtime.ts";

interface Flags {
  home?: string;
  json?: boolean;
}

/**
 * The whole pipeline over three invented chains: an FTP and an HTML portal on the loopback address publish one day, then the next, and
 * what the database holds after that is printed. Leaves nothing running, and nothing behind unless a home was given.
 */
export async function demo(command: Command, flags: Flags): Promise<void> {
  const startedAt = Date.now();
  const home = flags.home === undefined ? await temporaryHome() : resolve(flags.home);
  const sample = createDemo();
  const portals = await startDemoPortals(sample);
  try {
    const environment = await prepareHome(home, portals);
    const context = contextOf(command, { quiet: true, environment });
    await withRuntime(context, async (runtime) => {
      const report = await runDays(runtime, sample, portals, flags);
      if (report === null) return;
      const seconds = (Date.now() - startedAt) / 1000;
      if (flags.json) printJson({ ...report, seconds });
      else printDemo(report, { seconds, ...(flags.home === undefined ? {} : { home }) });
    });
  } finally {
    await portals.close();
    if (flags.home === undefined) await removeHome(home);
  }
}

/** Null when the demo was broken off. */
async function runDays(runtime: Runtime, sample: Demo, portals: DemoPortals, flags: Flags): Promise<DemoReport | null> {
  const [first, second] = sample.days;
  const crawl = { chains: portals.keys, filter: { since: first, until: second } };
  const tell = flags.json ? () => {} : say;
  const addresses = portals.portals.map((portal) => portal.url).join(" and ");
  tell(`${counted(portals.keys.length, "invented chain")} on local portals: ${addresses}`);
  for (const day of sample.days) {
    const began = Date.now();
    portals.publishUntil(day);
    const { files } = await runPipelineOnce(runtime, crawl);
    if (runtime.shutdown.signal.aborted) return null;
    tell(`Day of ${day}: ${countsText(files)} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  return readReport((await runtime.database()).pool, sample.days);
}

/** Settings of the demo alone: the embedded engines below its home, the local portals as its chains. */
async function prepareHome(home: string, portals: DemoPortals): Promise<Record<string, string | undefined>> {
  await mkdir(home, { recursive: true });
  const chainsFile = join(home, "demo-chains.json");
  await writeFile(chainsFile, `${JSON.stringify(portals.chainOverrides(), null, 2)}\n`);
  const level = process.env["GOGOBE_LOG_LEVEL"];
  return {
    GOGOBE_HOME: home,
    GOGOBE_CHAINS_FILE: chainsFile,
    ...(level === undefined ? {} : { GOGOBE_LOG_LEVEL: level }),
  };
}

async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-demo-"));
  // As root, PostgreSQL runs as another account: it must be able to enter.
  await chmod(home, 0o711);
  return home;
}

async function removeHome(home: string): Promise<void> {
  await deleteEmbeddedPostgres(home);
  await rm(home, { recursive: true, force: true });
}
