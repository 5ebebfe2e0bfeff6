import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { deleteEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/gogobe.js");

export interface CommandResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Peak resident memory of the process in bytes, read from the kernel while it ran. */
  peakMemoryBytes: number;
}

export interface CommandOptions {
  env?: Record<string, string>;
  /** Kills the process (SIGKILL) this long after its start. */
  killAfterMs?: number;
  timeoutMs?: number;
}

/** One GOGOBE_HOME (or one fleet configuration) and the real command line over it, as a user has it. */
export interface Pipeline {
  home: string;
  env: Record<string, string>;
  gogobe(args: string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs and fails loudly unless the command ends with 0. Returns standard output. */
  must(args: string[], options?: CommandOptions): Promise<string>;
  /** Rows of one SQL statement, through `gogobe query --json`. */
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Every exported file by name, after a refresh. */
  exportTables(): Promise<Map<string, string>>;
  /** A pool on the pipeline's database; the caller ends it. */
  pool(): Promise<pg.Pool>;
  close(): Promise<void>;
}

/** `chains` is what GOGOBE_CHAINS_FILE holds: the fake portals' overrides merged. */
export async function createPipeline(
  options: { chains?: object; env?: Record<string, string> } = {},
): Promise<Pipeline> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-e2e-"));
  const env: Record<string, string> = { GOGOBE_HOME: home, GOGOBE_LOG_LEVEL: "warn", ...options.env };
  if (options.chains) {
    env["GOGOBE_CHAINS_FILE"] = join(home, "chains.json");
    await writeFile(env["GOGOBE_CHAINS_FILE"], JSON.stringify(options.chains));
  }
  const gogobe = (args: string[], commandOptions: CommandOptions = {}) => runCommand(args, env, commandOptions);
  const must = async (args: string[], commandOptions: CommandOptions = {}) => {
    const result = await gogobe(args, commandOptions);
    if (result.code !== 0) {
      throw new Error(
        `gogobe ${args.join(" ")} ended with ${result.code ?? result.signal}\n${result.stderr}\n${result.stdout}`,
      );
    }
    return result.stdout;
  };
  return {
    home,
    env,
    gogobe,
    must,
    query: async <Row>(sql: string) => JSON.parse(await must(["query", sql, "--json"])) as Row[],
    exportTables: async () => {
      await must(["refresh"]);
      const directory = await mkdtemp(join(tmpdir(), "gogobe-export-"));
      try {
        await must(["export", directory]);
        const names = (await readdir(directory)).sort();
        return new Map(
          await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const)),
        );
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
    pool: async () => new pg.Pool({ connectionString: (await must(["db", "url"])).trim() }),
    close: async () => {
      await deleteEmbeddedPostgres(home);
      await rm(home, { recursive: true, force: true });
    },
  };
}

function runCommand(args: string[], env: Record<string, string>, options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...process.env, ...env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let peakMemoryBytes = 0;
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const watch = setInterval(() => {
      if (child.pid === undefined) return;
      readPeakMemory(child.pid).then(
        (bytes) => (peakMemoryBytes = Math.max(peakMemoryBytes, bytes)),
        () => {},
      );
    }, 50);
    const timers = [options.killAfterMs, options.timeoutMs ?? 240_000]
      .filter((delay) => delay !== undefined)
      .map((delay) => setTimeout(() => child.kill("SIGKILL"), delay));
    const settle = () => {
      clearInterval(watch);
      timers.forEach(clearTimeout);
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("close", (code, signal) => {
      settle();
      resolve({ code, signal, stdout, stderr, peakMemoryBytes });
    });
  });
}

/** The high-water mark that Linux keeps per process. */
async function readPeakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
