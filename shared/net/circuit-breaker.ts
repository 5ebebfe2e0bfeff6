import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhen,
  isBrokenCircuitError,
  retry,
  type CircuitBreakerPolicy,
  type IRetryBackoffContext,
} from "cockatiel";
import { errorMessage } from "../errors.ts";
import { HostBusyError, isHostFailure, isWorthAnotherTry } from "./net-errors.ts";
import type { NetSettings } from "./net-settings.ts";

export type CircuitName = "closed" | "half-open" | "open";

/** One breaker per host, and the retries around it. */
export interface HostCircuits {
  /**
   * Runs `work` against a host: tried again with exponential backoff and jitter while the host fails (Retry-After is honoured), refused
   * without a try while its circuit is open.
   * @throws {HostBusyError} while the circuit is open, with the time it stays so
   */
  run<T>(host: string, attempts: number, work: (signal: AbortSignal) => Promise<T>, options?: RunOptions): Promise<T>;
  /** Every host spoken to so far, sorted. */
  states(): { host: string; state: CircuitName }[];
}

/** A circuit opened, again or for the first time (`retryAt`: until then the host is left alone), or closed (null). */
export interface CircuitChange {
  host: string;
  retryAt: Date | null;
  /** The failure that opened it. */
  error?: string;
}

export interface RunOptions {
  signal?: AbortSignal;
  /** Told before each further try. */
  onRetry?: (delayMs: number) => void;
  /** A host that asks for more patience than this is not waited for here: the caller has better to do. @default retryMaxMs */
  longestWaitMs?: number;
}

type CircuitTimes = Pick<NetSettings, "circuitFailures" | "circuitOpenMs" | "retryInitialMs" | "retryMaxMs">;

/** `onChange` is told when a circuit opens or closes. */
export function createHostCircuits(times: CircuitTimes, onChange?: (change: CircuitChange) => void): HostCircuits {
  const breakers = new Map<string, { policy: CircuitBreakerPolicy; openedAt: number }>();

  function breakerOf(host: string) {
    const known = breakers.get(host);
    if (known) return known;
    const policy = circuitBreaker(handleWhen(isHostFailure), {
      breaker: new ConsecutiveBreaker(times.circuitFailures),
      halfOpenAfter: times.circuitOpenMs,
    });
    const entry = { policy, openedAt: 0 };
    policy.onBreak((reason) => {
      entry.openedAt = Date.now();
      const error = "error" in reason ? errorMessage(reason.error) : "";
      onChange?.({ host, retryAt: new Date(entry.openedAt + times.circuitOpenMs), error });
    });
    policy.onReset(() => onChange?.({ host, retryAt: null }));
    breakers.set(host, entry);
    return entry;
  }

  function circuitOpen(host: string, openedAt: number): HostBusyError {
    const leftMs = Math.max(0, openedAt + times.circuitOpenMs - Date.now());
    // Spread over the time after: of hundreds of files that wait for one host the first to come decides for the others.
    const retryAfterMs = leftMs + Math.random() * times.circuitOpenMs;
    const message = `host ${host}: left alone for ${Math.ceil(leftMs / 1000)} s after ${times.circuitFailures} failures in a row`;
    return new HostBusyError(message, { retryAfterMs });
  }

  return {
    async run(host, attempts, work, options = {}) {
      const breaker = breakerOf(host);
      const longestMs = Math.min(times.retryMaxMs, options.longestWaitMs ?? Number.POSITIVE_INFINITY);
      const policy = retry(
        handleWhen((error) => isWorthAnotherTry(error) && waitFor(error, longestMs) !== null),
        { maxAttempts: attempts - 1, backoff: new DelegateBackoff((context) => backoff(context, times)) },
      );
      policy.onRetry(({ delay }) => options.onRetry?.(delay));
      try {
        const running = policy.execute(({ signal }) => {
          signal.throwIfAborted();
          return breaker.policy.execute(() => work(signal), signal);
        }, options.signal);
        return await unlessAborted(running, options.signal);
      } catch (error) {
        if (isBrokenCircuitError(error)) throw circuitOpen(host, breaker.openedAt);
        throw error;
      }
    },
    states: () =>
      [...breakers]
        .map(([host, { policy }]) => ({ host, state: nameOf(policy.state) }))
        .sort((a, b) => a.host.localeCompare(b.host)),
  };
}

/** What the host asked for: 0 when nothing, null when it is longer than anyone waits inside a call. */
function waitFor(error: unknown, longestMs: number): number | null {
  const asked = error instanceof HostBusyError ? (error.retryAfterMs ?? 0) : 0;
  return asked <= longestMs ? asked : null;
}

/** Full jitter over an exponential ceiling, never shorter than what the host asked for. */
function backoff(context: IRetryBackoffContext<unknown>, times: CircuitTimes): number {
  const ceiling = Math.min(times.retryMaxMs, times.retryInitialMs * 2 ** (context.attempt - 1));
  const asked = "error" in context.result ? (waitFor(context.result.error, times.retryMaxMs) ?? 0) : 0;
  return Math.round(Math.max(asked, ceiling / 2) + (Math.random() * ceiling) / 2);
}

/** A pause between two tries must not hold up a shutdown. */
async function unlessAborted<T>(running: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return running;
  const ended = new AbortController();
  const gaveUp = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: ended.signal });
  });
  try {
    return await Promise.race([running, gaveUp]);
  } finally {
    ended.abort();
  }
}

function nameOf(state: CircuitState): CircuitName {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}
