import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderRows } from "../../cli/output.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { withNewHome } from "./bench-home.ts";
import { benchBus } from "./bus.ts";
import { benchFleet, type FleetScale, FULL_FLEET, QUICK_FLEET } from "./fleet.ts";
import { benchLine } from "./line.ts";
import type { Measure } from "./measure.ts";
import { benchRead } from "./read.ts";
import { createPromotionsSubject, createSubject, writeSubject } from "./subject.ts";
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
/** A store has about one promotion for so many items. */
const ITEMS_PER_PROMOTION = 10;
const OTHER_ENCODINGS = ["utf-16le", "windows-1255"] as const;

const USAGE = `npm run bench -- [--json] [--quick] [--fleet]
  --json   one JSON object per measure and line: name, value, unit, baseline, ratio
  --quick  ${QUICK.items} items instead of ${FULL.items}, everything once: does it run, not how fast
  --fleet  instead: ${FULL_FLEET.files} files of ${FULL_FLEET.items} items through Kafka, S3 and PostgreSQL, against the embedded default
           (quick: ${QUICK_FLEET.files} of ${QUICK_FLEET.items}). Needs engines: infra/native/up, then infra/native/test npm run bench -- --fleet
`;

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    fleet: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
if (flags.help) process.stdout.write(USAGE);
else if (flags.fleet) await fleet(flags.quick ? QUICK_FLEET : FULL_FLEET, flags.json ?? false);
else await main(flags.quick ? QUICK : FULL, flags.json ?? false);

async function fleet(scale: FleetScale, json: boolean): Promise<void> {
  if (findFleetEngines() === null) {
    say(`--fleet needs engines, and the environment names none (${NO_ENGINES})`);
    process.exitCode = 2;
    return;
  }
  const loadBefore = loadText();
  const measures = await benchFleet(scale, say);
  const subject = `${scale.files} PriceFull files of ${scale.items.toLocaleString("en-US")} items, each of its own store`;
  print(measures, json, `${machineText(loadBefore)}\n${subject}`);
}

async function main(scale: Scale, json: boolean): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "gogobe-bench-files-"));
  try {
    const loadBefore = loadText();
    const { measures, postgresVersion } = await measureAll(scale, directory);
    const { items, rounds } = scale;
    const subject = `one PriceFull of ${items.toLocaleString("en-US")} items; medians of ${rounds} where a run is short`;
    print(measures, json, `${machineText(loadBefore)}, PostgreSQL ${postgresVersion}\n${subject}`);
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
  const promotions = createPromotionsSubject(items / ITEMS_PER_PROMOTION);
  const first = await writeSubject(subject, directory);
  const further: string[] = [];
  for (let storeIndex = 1; storeIndex < FILES; storeIndex++) {
    further.push(await writeSubject(await createSubject(items, { storeIndex }), directory));
  }

  say("reading");
  const read = await benchRead(subject, others, promotions, rounds);
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

function print(measures: readonly Measure[], json: boolean, heading: string): void {
  if (json) {
    for (const measure of measures) process.stdout.write(`${JSON.stringify(measure)}\n`);
    return;
  }
  const rows = measures.map(({ name, value, unit, baseline, ratio }) => ({
    measure: name,
    value: value.toLocaleString("en-US", { maximumSignificantDigits: 4 }),
    unit,
    baseline: baseline.toLocaleString("en-US", { maximumSignificantDigits: 4 }),
    ratio: ratio.toFixed(2),
  }));
  process.stdout.write(`${heading}\n\n${renderRows(rows, "table", ["measure", "value", "unit", "baseline", "ratio"])}`);
}

function machineText(loadBefore: string): string {
  const cores = cpus();
  return (
    `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), Node ${process.versions.node}, ` +
    `load average ${loadBefore} before, ${loadText()} after`
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
