import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = join(import.meta.dirname, "../../bin/gogobe.js");
const STOP_MS = 60_000;
/** Every command is a process of its own: what V8 has compiled is kept, which halves the start of one. */
const COMPILED = { NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.cache/compiled") };

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

/** One `gogobe` command to its end. */
export function runCommand(
  args: string[],
  env: Record<string, string>,
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...COMPILED, ...process.env, ...env, ...options.env },
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
export async function readPeakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** A stage that runs until it is stopped. */
export interface Service {
  child: ChildProcess;
  /** Where it answers /metrics, /healthz and /readyz. */
  port: number;
  /** What it has logged so far. */
  log(): string;
  /** SIGTERM, and its exit code once it has drained. */
  stop(): Promise<number | null>;
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>;
}

/**
 * Starts a stage (`["parse"]`) and waits until it says that it runs.
 * @throws {Error} with its log when it ends before that
 */
export async function startService(args: string[], env: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...COMPILED, ...process.env, ...env, GOGOBE_LOG_LEVEL: "info", GOGOBE_HTTP_PORT: "0" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  // A test run that is broken off leaves no service behind.
  const orphaned = () => child.kill("SIGKILL");
  process.once("exit", orphaned);
  child.once("exit", () => process.off("exit", orphaned));
  let said = "";
  let port = 0;
  const running = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said += `${line}\n`;
      const entry = logEntry(line);
      port = entry.port ?? port;
      if (entry.msg === `${args[0]} is running`) resolve();
    });
    exited.then(() => reject(new Error(`gogobe ${args[0]} ended before it ran:\n${said}`)), reject);
  });
  await running;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const patience = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill(signal);
    const [code] = await exited;
    clearTimeout(patience);
    return code;
  };
  return { child, port, log: () => said, stop: () => end("SIGTERM"), kill: async () => void (await end("SIGKILL")) };
}

/** A line that is no JSON is what a crashing process says. */
function logEntry(line: string): { msg?: string; port?: number } {
  try {
    return JSON.parse(line) as { msg?: string; port?: number };
  } catch {
    return {};
  }
}
