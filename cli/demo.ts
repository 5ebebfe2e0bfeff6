import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { deleteEmbeddedPostgres } from "../shared/database/embedded-postgres.ts";
import { israelDay } from "../shared/israel-time.ts";
import { startCerberus } from "../test/fake-portals/cerberus.ts";
import type { FakePortal } from "../test/fake-portals/fake-portal.ts";
import { startShufersal } from "../test/fake-portals/shufersal.ts";
import { createDemo, type Demo, type DemoChain } from "../test/fixtures/demo.ts";
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
  const portals = await startPortals(sample);
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
    await Promise.all(portals.map((portal) => portal.close()));
    if (flags.home === undefined) await removeHome(home);
  }
}

/** Null when the demo was broken off. */
async function runDays(
  runtime: Runtime,
  sample: Demo,
  portals: readonly FakePortal[],
  flags: Flags,
): Promise<DemoReport | null> {
  const [first, second] = sample.days;
  const keys = sample.chains.map(({ chain }) => chain.key);
  const crawl = { chains: keys, filter: { since: first, until: second } };
  const tell = flags.json ? () => {} : say;
  tell(
    `${counted(keys.length, "invented chain")} on ${counted(portals.length, "local portal")}: ${portals.map((portal) => portal.url).join(" and ")}`,
  );
  for (const day of sample.days) {
    const began = Date.now();
    publishUntil(sample, portals, day);
    const { files } = await runPipelineOnce(runtime, crawl);
    if (runtime.shutdown.signal.aborted) return null;
    tell(`Day of ${day}: ${countsText(files)} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  return readReport((await runtime.database()).pool, sample.days);
}

async function startPortals({ chains }: Demo): Promise<FakePortal[]> {
  const of = (portal: DemoChain["portal"]) => chains.filter((chain) => chain.portal === portal);
  const accounts = of("cerberus").map((chain) => ({ chain: portalChain(chain), username: chain.chain.key }));
  const portals: FakePortal[] = [await startCerberus([], { accounts })];
  for (const chain of of("shufersal")) portals.push(await startShufersal([], { chain: portalChain(chain) }));
  return portals;
}

function portalChain({ chain }: DemoChain) {
  return { key: chain.key, nameEn: chain.nameEn, nameHe: chain.nameHe, chainIds: [chain.chainId] };
}

/** Portals keep what they published before. */
function publishUntil(sample: Demo, portals: readonly FakePortal[], day: string): void {
  for (const portal of portals) {
    const chains = sample.chains.filter(({ chain }) => chain.key in portal.chainOverrides());
    portal.setFiles(chains.flatMap(({ files }) => files).filter((file) => israelDay(file.publishedAt) <= day));
  }
}

/** Settings of the demo alone: the embedded engines below its home, the local portals as its chains. */
async function prepareHome(home: string, portals: readonly FakePortal[]): Promise<Record<string, string | undefined>> {
  await mkdir(home, { recursive: true });
  const chainsFile = join(home, "demo-chains.json");
  const overrides = Object.assign({}, ...portals.map((portal) => portal.chainOverrides())) as object;
  await writeFile(chainsFile, `${JSON.stringify(overrides, null, 2)}\n`);
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
