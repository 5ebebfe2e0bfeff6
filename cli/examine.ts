import { access, constants, mkdir, statfs } from "node:fs/promises";
import type { Command } from "commander";
import { errorMessage, GogobeError } from "../shared/errors.ts";
import { type Context, contextOf } from "./context.ts";
import { bytesText, counted } from "./output.ts";
import { type Runtime, withRuntime } from "./runtime.ts";

/** What one check of `gogobe doctor` found. `skipped`: nothing configured that would need it, or something before it failed. */
export interface Finding {
  what: string;
  state: "ok" | "wrong" | "skipped";
  detail: string;
  hint?: string;
}

/** Tries everything that a run needs, one after the other; a failed check never stops the next. */
export async function examine(command: Command): Promise<Finding[]> {
  const node = await check("Node", async () => `${process.versions.node} at ${process.execPath}`);
  let context: Context | undefined;
  const settings = await check("settings", async () => {
    context = contextOf(command, { quiet: true });
    return "every value is well formed";
  });
  if (context === undefined) {
    const hint = "correct it where it is set; the table of settings says where each value comes from";
    return [node, { ...settings, hint }, skipped("everything else", "needs the settings")];
  }
  const findings = [node, settings];
  await withRuntime(context, async (runtime) => {
    findings.push(...(await examineRuntime(runtime)));
  });
  return findings;
}

async function examineRuntime(runtime: Runtime): Promise<Finding[]> {
  const { config } = runtime;
  const chains = await check("chains", async () => {
    const all = (await runtime.chains()).all();
    return `${counted(all.length, "chain")}, ${all.filter((chain) => chain.status !== "retired").length} of them not retired`;
  });
  const disk = await check("disk", () => examineDisk(config.home, config.minFreeBytes));
  const database = await check("database", async () => {
    const { pool } = await runtime.database();
    const { rows } = await pool.query<{ version: string }>("SELECT current_setting('server_version') AS version");
    return `PostgreSQL ${rows[0]?.version}, ${config.databaseUrl === null ? `embedded in ${config.home}` : "by DATABASE_URL"}, schema up to date`;
  });
  const needsDatabase = database.state === "wrong" && config.kafka === null;
  const kafka =
    config.kafka === null
      ? skipped("Kafka client", "KAFKA_BROKERS is unset: the queue lives in the database")
      : await check("Kafka client", async () => {
          const { loadKafkaClient } = await import("../shared/bus/kafka-loader.ts");
          await loadKafkaClient();
          return "its native library loads";
        });
  const bus = needsDatabase
    ? skipped("bus", "it lives in the database")
    : await check("bus", async () => {
        await (await runtime.bus()).ping();
        return config.kafka === null
          ? "the queue on the database answers"
          : `Kafka at ${config.kafka.brokers.join(", ")} answers`;
      });
  const store = await check("object store", async () => {
    const opened = await runtime.store();
    await opened.ping();
    return `bucket ${opened.bucket}, ${config.s3 === null ? `a directory below ${config.home}` : `S3 at ${config.s3.endpoint ?? "AWS"}`}`;
  });
  return [chains, disk, database, kafka, bus, store];
}

async function examineDisk(home: string, minFreeBytes: number): Promise<string> {
  await mkdir(home, { recursive: true });
  await access(home, constants.W_OK);
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (free < minFreeBytes) {
    throw new GogobeError(
      `${home} has ${bytesText(free)} left, less than the ${bytesText(minFreeBytes)} that must stay free`,
      {
        hint: "make room, point GOGOBE_HOME at a larger disk, or lower GOGOBE_MIN_FREE_BYTES",
      },
    );
  }
  return `${bytesText(free)} free in ${home}`;
}

async function check(what: string, examineIt: () => Promise<string>): Promise<Finding> {
  try {
    return { what, state: "ok", detail: await examineIt() };
  } catch (error) {
    const hint = error instanceof GogobeError ? error.hint : undefined;
    return { what, state: "wrong", detail: errorMessage(error), ...(hint === undefined ? {} : { hint }) };
  }
}

function skipped(what: string, why: string): Finding {
  return { what, state: "skipped", detail: why };
}
