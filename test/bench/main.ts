import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderRows } from "../../cli/output.ts";
import { withNewHome } from "./bench-home.ts";
import { benchBus } from "./bus.ts";
import { benchLine } from "./line.ts";
import type { Measure } from "./measure.ts";
import { benchRead } from "./read.ts";
import { createSubject, writeSubject } from "./subject.ts";
import { benchWrite } from "./write.ts";

/** How much is measured. */
interface Scale {
  items: number;
  /** Runs of what is short; their median counts. */
  rounds: number;
  busMessages: number;
}

const FULL: Scale = { items: 100_000, rounds: 3, busMessages: 200 };
const QUICK: Scale = { items: 10_000, rounds: 1, busMessages: 40 };
const FILES = 10;
const OTHER_ENCODINGS = ["utf-16le", "windows-1255"] as const;

const USAGE = `npm run bench -- [--json] [--quick]
  --json   one JSON object per measure and line: name, value, unit, baseline, ratio
  --quick  ${QUICK.items} items instead of ${FULL.items}, everything once: does it run, not how fast
`;

const { values: flags } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (flags.help) process.stdout.write(USAGE);
else await main(flags.quick ? QUICK : FULL, flags.json ?? false);

async function main(scale: Scale, json: boolean): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "gogobe-bench-files-"));
  try {
    const loadBefore = loadText();
    const report = await measureAll(scale, directory);
    if (json) for (const measure of report.measures) process.stdout.write(`${JSON.stringify(measure)}\n`);
    else printTable(report, scale, loadBefore);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Report {
  measures: Measure[];
  postgresVersion: string;
}

async function measureAll({ items, rounds, busMessages }: Scale, directory: string): Promise<Report> {
  say("making the files");
  const subject = await createSubject(items);
  const others = await Promise.all(OTHER_ENCODINGS.map((encoding) => createSubject(items, { encoding })));
  const first = await writeSubject(subject, directory);
  const further: string[] = [];
  for (let storeIndex = 1; storeIndex < FILES; storeIndex++) {
    further.push(await writeSubject(await createSubject(items, { storeIndex }), directory));
  }

  say("reading");
  const read = await benchRead(subject, others, rounds);
  const { bus, write, postgresVersion } = await withNewHome(async (database) => {
    say("the bus");
    const bus = await benchBus(database, busMessages, rounds);
    say("writing");
    const write = await benchWrite(database.pool, subject, rounds);
    const { rows } = await database.pool.query<{ server_version: string }>("SHOW server_version");
    return { bus, write, postgresVersion: rows[0]?.server_version ?? "unknown" };
  });
  say("the whole line");
  const bareSeconds = read.bareSaxesSeconds + write.bareCopySeconds;
  const line = await benchLine({ paths: [first, ...further], items, rounds, bareSeconds });
  return { measures: [...read.measures, ...write.measures, ...bus, ...line], postgresVersion };
}

function printTable({ measures, postgresVersion }: Report, { items, rounds }: Scale, loadBefore: string): void {
  const cores = cpus();
  const rows = measures.map(({ name, value, unit, baseline, ratio }) => ({
    measure: name,
    value: value.toLocaleString("en-US", { maximumSignificantDigits: 4 }),
    unit,
    baseline: baseline.toLocaleString("en-US", { maximumSignificantDigits: 4 }),
    ratio: ratio.toFixed(2),
  }));
  process.stdout.write(
    `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), Node ${process.versions.node}, PostgreSQL ${postgresVersion}, ` +
      `load average ${loadBefore} before, ${loadText()} after\n` +
      `one PriceFull of ${items.toLocaleString("en-US")} items; medians of ${rounds} where a run is short\n\n` +
      renderRows(rows, "table", ["measure", "value", "unit", "baseline", "ratio"]),
  );
}

/** Of the last minute: on a busy machine only the ratios mean something. */
function loadText(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** Progress, apart from the result. */
function say(what: string): void {
  process.stderr.write(`bench: ${what}\n`);
}
