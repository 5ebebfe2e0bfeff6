import { ExponentialBackoff, handleWhen, halfJitterGenerator, retry } from "cockatiel";
import type { RetryPolicy } from "./bus/bus.ts";
import { isRetryable, ThrottledError } from "./errors.ts";

/**
 * How patient each stage is with one message. A portal that is down for a minute must not cost a file; a database that restarts
 * must not cost a batch. The number of attempts is a setting (GOGOBE_RETRY_ATTEMPTS).
 */
export const STAGE_DELAYS = {
  downloader: { initialDelayMs: 1_000, maxDelayMs: 60_000 },
  parser: { initialDelayMs: 250, maxDelayMs: 15_000 },
  writer: { initialDelayMs: 250, maxDelayMs: 30_000 },
} as const satisfies Record<string, Omit<RetryPolicy, "attempts">>;

export type RetryingStage = keyof typeof STAGE_DELAYS;

/** The policy of a stage with the configured number of attempts. */
export function retryPolicyOf(stage: RetryingStage, attempts: number): RetryPolicy {
  return { attempts, ...STAGE_DELAYS[stage] };
}

/**
 * Wait before the next try, in milliseconds: exponential, between half and all of the step, so that a fleet does not knock in
 * step. A ThrottledError that names its own wait is obeyed when that is longer.
 * @param failures tries that failed so far, 1 or more
 */
export function backoffDelayMs(policy: RetryPolicy, failures: number, error?: unknown): number {
  const [delay] = halfJitterGenerator(failures - 1, {
    initialDelay: policy.initialDelayMs,
    maxDelay: policy.maxDelayMs,
    exponent: 2,
    generator: halfJitterGenerator,
  });
  const asked = error instanceof ThrottledError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(delay, asked);
}

export interface RetryOptions {
  policy: RetryPolicy;
  signal?: AbortSignal;
  /** Which errors are worth another try; default: all that are not known to be permanent. */
  retryable?: (error: unknown) => boolean;
  /** Told before each wait. */
  onRetry?: (error: unknown, delayMs: number) => void;
}

/**
 * Runs `work` until it resolves, the attempts are used up, the error is not retryable or the signal aborts.
 * @throws the last error of `work`
 */
export async function withRetry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy } = options;
  const retrying = retry(handleWhen(options.retryable ?? isRetryable), {
    maxAttempts: policy.attempts - 1,
    backoff: new ExponentialBackoff({
      initialDelay: policy.initialDelayMs,
      maxDelay: policy.maxDelayMs,
      generator: halfJitterGenerator,
    }),
  });
  retrying.onRetry((event) => options.onRetry?.("error" in event ? event.error : undefined, event.delay));
  return await retrying.execute(work, options.signal);
}
