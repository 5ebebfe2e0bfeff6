import { settlesWithin } from "./waiting.ts";
import type { Log } from "./observability/log.ts";

type Release = () => Promise<unknown> | unknown;

export interface ShutdownOptions {
  log: Log;
  /** How long everything together may take to end after a signal. */
  deadlineMs?: number;
  /** Ends the process; tests put their own here. */
  exit?: (code: number) => void;
}

/** Orchestrators must wait longer than this before they kill. */
export const DEADLINE_MS = 45_000;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const EXIT_FORCED = 130;
const EXIT_DEADLINE = 1;

/** What a process has opened, to be closed in the opposite order. */
export class Shutdown {
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #releases: { name: string; release: Release }[] = [];
  #releasing: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborts when the process was asked to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Registers what must be closed. After the shutdown began, it is closed at once. */
  add(name: string, release: Release): void {
    if (this.#releasing === undefined) this.#releases.push({ name, release });
    else this.#releasing = this.#releasing.then(async () => await this.#release(name, release));
  }

  /** Resolves when the process is asked to stop: what a service waits for. */
  async requested(): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  /** As if the first signal had come. */
  request(reason: string): void {
    this.#abort.abort(new Error(reason));
  }

  /** Closes everything, last in first out. One that fails is logged and keeps no other open. */
  async release(): Promise<void> {
    this.#releasing ??= this.#releaseAll();
    let seen: Promise<void> | undefined;
    while (seen !== this.#releasing) {
      seen = this.#releasing;
      await seen;
    }
  }

  async #releaseAll(): Promise<void> {
    for (const { name, release } of this.#releases.reverse()) await this.#release(name, release);
  }

  async #release(name: string, release: Release): Promise<void> {
    try {
      await release();
    } catch (error) {
      this.#log.error({ err: error }, `could not close ${name}`);
    }
  }
}

/**
 * Runs a program that opens things. They are closed when it ends, when it fails (also half-way through its start), and when the
 * process is told to stop: the first SIGTERM or SIGINT drains, a second one or the deadline ends the process at once.
 * @returns what `body` returns; undefined when it was told to stop before it ended
 * @throws what `body` throws
 */
export async function withShutdown<T>(
  options: ShutdownOptions,
  body: (shutdown: Shutdown) => Promise<T>,
): Promise<T | undefined> {
  const { log, deadlineMs = DEADLINE_MS, exit = (code) => process.exit(code) } = options;
  const shutdown = new Shutdown(log);
  const onSignal = (name: NodeJS.Signals) => {
    if (shutdown.signal.aborted) {
      log.warn(`${name} again: ending at once`);
      exit(EXIT_FORCED);
      return;
    }
    log.info(`${name}: finishing what is under way`);
    shutdown.request(name);
  };
  let late = false;
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    const running = body(shutdown);
    await Promise.race([running, shutdown.requested()]);
    if (!shutdown.signal.aborted) return await running;
    const ended = Promise.allSettled([running, shutdown.release()]);
    if (!(await settlesWithin(ended, deadlineMs))) {
      log.error(`not everything ended within ${deadlineMs} ms: the rest comes back at the next start`);
      late = true;
      exit(EXIT_DEADLINE);
      return undefined;
    }
    const [outcome] = await ended;
    if (outcome.status === "fulfilled") return outcome.value;
    // Its resources were closed under it: that is what was asked for.
    log.debug({ err: outcome.reason }, "ended by the shutdown");
    return undefined;
  } finally {
    if (!late) await shutdown.release();
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
