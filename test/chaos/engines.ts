import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ENGINE = join(import.meta.dirname, "../../infra/native/engine");

export type Engine = "kafka" | "versitygw" | "postgres18";

const ENGINES: readonly Engine[] = ["kafka", "versitygw", "postgres18"];

/** Kafka, an S3 server and PostgreSQL that a test may take away: nobody else uses them. */
export interface OwnEngines {
  /** What infra/native/test would set for them. */
  env: Record<string, string>;
  start(engine: Engine): Promise<void>;
  stop(engine: Engine): Promise<void>;
  /** As a power cut: no shutdown of its own. */
  kill(engine: Engine): Promise<void>;
  /** Stops all and deletes their data. */
  close(): Promise<void>;
}

/** Starts engines in a directory of their own. @throws {Error} with what the script said, for example that Java is not installed */
export async function startOwnEngines(): Promise<OwnEngines> {
  const directory = await mkdtemp(join(tmpdir(), "gogobe-chaos-engines-"));
  // PostgreSQL runs as an account without rights, which must get there.
  await chmod(directory, 0o755);
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(ENGINE, args, {
      env: { ...process.env, GOGOBE_NATIVE_RUN: directory },
    });
    return stdout;
  };
  const close = async () => {
    await Promise.allSettled(ENGINES.map((engine) => run("kill", engine)));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const engine of ENGINES) await run("start", engine);
    const lines = (await run("env", "versitygw", "postgres18")).trim().split("\n");
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
    return {
      env,
      start: async (engine) => void (await run("start", engine)),
      stop: async (engine) => void (await run("stop", engine)),
      kill: async (engine) => void (await run("kill", engine)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
